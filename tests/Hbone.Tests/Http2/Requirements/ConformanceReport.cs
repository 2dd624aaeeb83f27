using System.Globalization;
using System.Text;

namespace Hbone.Tests.Http2.Requirements;

/// <summary>Writes the list of requirements and their tests as Markdown.</summary>
internal static class ConformanceReport
{
    private const string Head = """
        # HTTP/2 conformance

        What RFC 9113 (sections 3 to 8.5 and 10.5) and RFC 7541 demand of an endpoint of CONNECT tunnels, in our words, and the
        tests in `tests/Hbone.Tests` that fail when we do not do it. The roles are those of our side. This file is generated from the
        catalogue in `tests/Hbone.Tests/Http2/Requirements` and from what the tests say they prove; a test compares it with both.
        """;

    /// <summary>The whole document.</summary>
    public static string Render(
        IReadOnlyList<Requirement> rules, IReadOnlyList<Requirement> limits, IEnumerable<Coverage> coverage)
    {
        var tests = coverage.ToLookup(c => c.Id);
        var text = new StringBuilder(Head).Append("\n\n");
        var applicable = rules.Count(rule => rule.IsApplicable);
        text.Append(
            CultureInfo.InvariantCulture,
            $"{rules.Count} requirements, of which {applicable} concern us; each of these has a test for each of its roles.\n");
        foreach (var rfc in rules.GroupBy(rule => rule.Rfc))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## RFC {rfc.Key}\n\n");
            AppendTable(text, rfc, rule => TestsOf(rule, tests));
        }

        text.Append("\n## RFC 9113 section 10.5: limits\n\nThe RFC names dangers and leaves the limits to the endpoint.\n\n");
        AppendTable(
            text, limits, limit => tests.Contains(limit.Id) ? TestsOf(limit, tests) : "see the tests of the limits");
        return text.ToString();
    }

    private static void AppendTable(StringBuilder text, IEnumerable<Requirement> rows, Func<Requirement, string> tests)
    {
        text.Append("| Id | Role | Requirement | Tests |\n|---|---|---|---|\n");
        foreach (var row in rows)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row.Id} | {RoleName(row.Role)} | {Escape(row.Text)} | {tests(row)} |\n");
        }
    }

    private static string TestsOf(Requirement rule, ILookup<string, Coverage> tests)
    {
        if (!rule.IsApplicable)
        {
            return $"not applicable: {Escape(rule.Remark!)}";
        }

        var names = tests[rule.Id].Select(c => $"`{Escape(c.Test)}`").Distinct().Order(StringComparer.Ordinal);
        var list = string.Join("<br>", names);
        return rule.Remark is null ? list : $"{list}<br>{Escape(rule.Remark)}";
    }

    private static string RoleName(Role role) => role switch
    {
        Role.None => "-",
        Role.Both => "both",
        Role.Client => "client",
        _ => "server",
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
