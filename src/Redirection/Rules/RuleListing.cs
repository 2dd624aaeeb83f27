namespace Redirection.Rules;

/// <summary>Cuts what is ours out of what the tools list, in a form in which equal rule sets are equal texts.</summary>
internal static class RuleListing
{
    /// <summary>Our tables in the output of <c>nft -s list ruleset inet</c>.</summary>
    public static string OfNftables(string listing)
    {
        var tables = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? table = null;
        foreach (var line in listing.Split('\n'))
        {
            if (line.StartsWith("table ", StringComparison.Ordinal))
            {
                var isOurs = line.StartsWith($"table inet {NftablesScript.TablePrefix}", StringComparison.Ordinal);
                table = isOurs ? tables[line] = [] : null;
            }

            table?.Add(line);
        }

        return string.Join('\n', tables.Values.SelectMany(lines => lines)).TrimEnd();
    }

    /// <summary>
    /// Our chains in the output of <c>iptables-save</c>, their rules and the jumps to them. The order of rules matters
    /// inside a chain only; a jump's place among the rules of others is theirs to choose.
    /// </summary>
    public static string OfIptables(string saved)
    {
        List<(string Chain, string Line)> lines = [];
        var table = "";
        foreach (var line in saved.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith('*'))
            {
                table = line[1..];
            }
            else if (line.Split(' ') is [var first, ..] && first.StartsWith(':') && IptablesScript.IsOurs(first[1..]))
            {
                lines.Add(($"{table} {first[1..]}", "")); // without the counters
            }
            else if (line.Split(' ') is ["-A", var chain, ..] words
                && (IptablesScript.IsOurs(chain) || (words is [.., "-j", var to] && IptablesScript.IsOurs(to))))
            {
                lines.Add(($"{table} {chain}", line));
            }
        }

        // OrderBy keeps the order of equal ones.
        return string.Join('\n', lines.OrderBy(line => line.Chain, StringComparer.Ordinal)
            .Select(line => $"{line.Chain}: {line.Line}"));
    }
}
