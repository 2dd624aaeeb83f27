using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Redirection.Rules;

/// <summary>Writes the in-pod rules as input of <c>iptables-restore --noflush</c>, one family at a time.</summary>
internal static class IptablesScript
{
    private const string Prerouting = "ISTIO_PRERT";
    private const string Output = "ISTIO_OUTPUT";
    private const string OurPrefix = "ISTIO_";
    private static readonly string[] Tables = ["mangle", "nat", "raw"];

    /// <summary>All rules, for a namespace without them.</summary>
    public static string Render(InPodRules rules, bool ipv6) => Render([], [.. Rules(rules, ipv6)]);

    /// <summary>
    /// The same for a namespace that may have them: what is there goes and what shall be comes in one commit per table, so
    /// that no connection slips by in between.
    /// </summary>
    /// <param name="saved">Output of <c>iptables-save</c>.</param>
    /// <param name="rules">The new rules.</param>
    /// <param name="ipv6">Which family.</param>
    public static string RenderReplacement(string saved, InPodRules rules, bool ipv6) =>
        Render(Leftovers(saved), [.. Rules(rules, ipv6)]);

    /// <summary>Takes out what <c>iptables-save</c> shows of our chains and the jumps to them; empty when there is none.</summary>
    public static string RenderRemoval(string saved) => Render(Leftovers(saved), []);

    private static string Render(List<Line> leftovers, List<Rule> rules)
    {
        var script = new StringBuilder();
        foreach (var table in Tables.Union(leftovers.Select(line => line.Table)))
        {
            var removed = leftovers.Where(line => line.Table == table).Select(line => line.Text);
            var added = rules.Where(rule => rule.Table == table).ToList();
            var chains = Chains(added).Select(chain => $"-N {chain}");
            var lines = removed.Concat(chains).Concat(added.Select(rule => $"-A {rule.Chain} {rule.Text}")).ToList();
            if (lines.Count > 0)
            {
                script.Append("* ").Append(table).Append('\n').AppendJoin('\n', lines).Append("\nCOMMIT\n");
            }
        }

        return script.ToString();
    }

    /// <summary>Our chains in the order they are filled, then those that are only jumped to.</summary>
    private static IEnumerable<string> Chains(List<Rule> rules) =>
        rules.Where(rule => IsOurs(rule.Chain)).Select(rule => rule.Chain)
            .Concat(rules.Where(rule => !IsOurs(rule.Chain)).Select(rule => rule.Text["-j ".Length..]))
            .Distinct();

    /// <summary>Removal in the order that the tool accepts: jumps, rules, chains.</summary>
    private static List<Line> Leftovers(string saved)
    {
        List<Line> jumps = [], flushes = [], deletions = [];
        var table = "";
        foreach (var line in saved.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith('*'))
            {
                table = line[1..];
            }
            else if (line.StartsWith(':') && IsOurs(line[1..].Split(' ')[0]))
            {
                var chain = line[1..].Split(' ')[0];
                flushes.Add(new Line(table, $"-F {chain}"));
                deletions.Add(new Line(table, $"-X {chain}"));
            }
            else if (line.Split(' ') is ["-A", var from, .., "-j", var to] && !IsOurs(from) && IsOurs(to))
            {
                jumps.Add(new Line(table, $"-D{line[2..]}"));
            }
        }

        return [.. jumps, .. flushes, .. deletions];
    }

    /// <summary>Any chain of this prefix belongs to the CNI agent, whichever version of it made it.</summary>
    internal static bool IsOurs(string chain) => chain.StartsWith(OurPrefix, StringComparison.Ordinal);

    /// <summary>The rules in their order, which is significant inside a chain.</summary>
    private static IEnumerable<Rule> Rules(InPodRules rules, bool ipv6)
    {
        var loopback = ipv6 ? $"{IPAddress.IPv6Loopback}/128" : $"{IPAddress.Loopback}/32";
        var probe = ipv6 ? rules.ProbeAddressIpv6 : rules.ProbeAddress;
        const string Unproxied = $"-m mark ! --mark {InPodRules.ProxyMarkAndMask}";

        yield return new("mangle", "PREROUTING", $"-j {Prerouting}");
        yield return new("mangle", "OUTPUT", $"-j {Output}");
        yield return new("nat", "OUTPUT", $"-j {Output}");
        yield return new("nat", "PREROUTING", $"-j {Prerouting}");
        if (rules.CaptureDns)
        {
            yield return new("raw", "PREROUTING", $"-j {Prerouting}");
            yield return new("raw", "OUTPUT", $"-j {Output}");
        }

        foreach (var name in rules.VirtualInterfaces)
        {
            yield return new("nat", Prerouting, $"-i {name} -p tcp -j REDIRECT --to-ports {InPodRules.OutboundPort}");
            yield return new("nat", Prerouting, $"-i {name} -p tcp -j RETURN");
        }

        foreach (var port in rules.ExcludedInboundPorts)
        {
            yield return new("nat", Prerouting, $"-p tcp -m tcp --dport {port} -j ACCEPT");
        }

        // A connection of the proxy to the application is marked, so that its replies are known below and come back.
        yield return new("mangle", Prerouting,
            $"-m mark --mark {InPodRules.ProxyMarkAndMask} -j CONNMARK --set-xmark {InPodRules.ReplyMarkAndMask}");
        if (rules.CaptureInbound)
        {
            yield return new("nat", Prerouting, $"-s {probe} -p tcp -m tcp -j ACCEPT");
        }

        yield return new("nat", Output, $"-d {probe} -p tcp -m tcp -j ACCEPT");
        if (rules.CaptureInbound)
        {
            yield return new("nat", Prerouting,
                $"! -d {loopback} -p tcp ! --dport {InPodRules.InboundPort} {Unproxied}"
                + $" -j REDIRECT --to-ports {InPodRules.InboundPassthroughPort}");
        }

        yield return new("mangle", Output,
            $"-m connmark --mark {InPodRules.ReplyMarkAndMask}"
            + " -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff");
        var family = ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
        foreach (var network in rules.ExcludedDestinations.Where(n => n.BaseAddress.AddressFamily == family))
        {
            yield return new("nat", Output, $"-d {network} -j ACCEPT");
        }

        foreach (var port in rules.ExcludedOutboundPorts)
        {
            yield return new("nat", Output, $"-p tcp -m tcp --dport {port} -j ACCEPT");
        }

        if (rules.CaptureDns)
        {
            yield return new("nat", Output,
                $"! -o lo -p udp {Unproxied} -m udp --dport 53 -j REDIRECT --to-port {InPodRules.DnsPort}");
            yield return new("nat", Output,
                $"! -d {loopback} -p tcp --dport 53 {Unproxied} -j REDIRECT --to-ports {InPodRules.DnsPort}");

            // Application and proxy may use one port number; zones keep their flows to one server apart.
            yield return new("raw", Output,
                $"-p udp -m mark --mark {InPodRules.ProxyMarkAndMask} -m udp --dport 53"
                + $" -j CT --zone {InPodRules.DnsConntrackZone}");
            yield return new("raw", Prerouting,
                $"-p udp {Unproxied} -m udp --sport 53 -j CT --zone {InPodRules.DnsConntrackZone}");
        }

        yield return new("nat", Output, $"-p tcp -m mark --mark {InPodRules.ReplyMarkAndMask} -j ACCEPT");
        yield return new("nat", Output, $"! -d {loopback} -o lo -j ACCEPT");
        yield return new("nat", Output,
            $"! -d {loopback} -p tcp {Unproxied} -j REDIRECT --to-ports {InPodRules.OutboundPort}");
    }

    private readonly record struct Rule(string Table, string Chain, string Text);

    private readonly record struct Line(string Table, string Text);
}
