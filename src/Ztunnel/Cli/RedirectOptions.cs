using System.Globalization;
using System.Net;
using Redirection.Rules;
using Ztunnel.Cni;

namespace Ztunnel.Cli;

/// <summary>What <c>ztunnel redirect</c> was asked to do.</summary>
/// <param name="Action">With the rules.</param>
/// <param name="Netns">Path of the pod's network namespace.</param>
/// <param name="Backend">Which tool programs them.</param>
/// <param name="Rules">What they should be; no matter for <see cref="RedirectAction.Remove"/>.</param>
internal sealed record RedirectOptions(RedirectAction Action, string Netns, RuleBackend Backend, InPodRules Rules)
{
    /// <summary>For error messages.</summary>
    public const string Usage = "ztunnel redirect apply|remove|show --netns NAME [options], see 'ztunnel help'";

    /// <summary>Reads what follows <c>redirect</c>. DNS is captured only when asked for: without a server it is dead.</summary>
    /// <param name="arguments">In any order; the last of two options that contradict each other wins.</param>
    /// <param name="warn">Takes one line on an annotation that is ignored.</param>
    /// <exception cref="UsageException">They cannot be understood.</exception>
    public static RedirectOptions Parse(IReadOnlyList<string> arguments, Action<string> warn)
    {
        RedirectAction? action = null;
        string? netns = null;
        var backend = RuleBackend.Nftables;
        var rules = new InPodRules { CaptureDns = false };
        var reader = new ArgumentReader(arguments);
        while (reader.TryRead(out var argument))
        {
            switch (argument)
            {
                case "apply" or "remove" or "show" when action is null:
                    action = ActionOf(argument);
                    break;
                case "--netns":
                    netns = reader.ReadValue(argument);
                    break;
                case "--backend":
                    backend = BackendOf(reader.ReadValue(argument));
                    break;
                default:
                    rules = WithOption(rules, argument, reader, warn);
                    break;
            }
        }

        return action is null
            ? throw new UsageException($"expected apply, remove or show: {Usage}")
            : netns is null
                ? throw new UsageException($"--netns is missing: {Usage}")
                : new RedirectOptions(action.Value, NetnsPath.Of(netns), backend, rules);
    }

    private static InPodRules WithOption(InPodRules rules, string option, ArgumentReader reader, Action<string> warn)
    {
        switch (option)
        {
            case "--dns":
                return rules with { CaptureDns = true };
            case "--ingress":
                return rules with { CaptureInbound = false };
            case "--ipv4-only":
                return rules with { Ipv6 = false };
        }

        if (option is not ("--virtual-interface" or "--probe-address" or "--exclude-port" or "--exclude-inbound-port"
            or "--exclude-cidr" or "--annotation"))
        {
            throw ArgumentReader.Unexpected(option, Usage);
        }

        var value = reader.ReadValue(option);
        try
        {
            return option switch
            {
                "--virtual-interface" => rules with { VirtualInterfaces = [.. rules.VirtualInterfaces, value] },
                "--probe-address" => WithProbe(rules, IPAddress.Parse(value)),
                "--exclude-port" => rules with { ExcludedOutboundPorts = [.. rules.ExcludedOutboundPorts, Port(value)] },
                "--exclude-inbound-port" => rules with
                {
                    ExcludedInboundPorts = [.. rules.ExcludedInboundPorts, Port(value)],
                },
                "--exclude-cidr" => rules with
                {
                    ExcludedDestinations = [.. rules.ExcludedDestinations, IPNetwork.Parse(value)],
                },
                _ => WithAnnotation(rules, value, warn),
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            throw new UsageException($"{option} cannot be '{value}': {e.Message}");
        }
    }

    internal static RedirectAction ActionOf(string word) => word switch
    {
        "apply" => RedirectAction.Apply,
        "remove" => RedirectAction.Remove,
        _ => RedirectAction.Show,
    };

    internal static RuleBackend BackendOf(string value) => value switch
    {
        "nft" => RuleBackend.Nftables,
        "iptables" => RuleBackend.Iptables,
        _ => throw new UsageException($"--backend cannot be '{value}': expected nft or iptables"),
    };

    private static InPodRules WithProbe(InPodRules rules, IPAddress address) =>
        address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? rules with { ProbeAddressIpv6 = address }
            : rules with { ProbeAddress = address };

    private static InPodRules WithAnnotation(InPodRules rules, string annotation, Action<string> warn) =>
        annotation.Split('=', 2) is [var key, var value]
            ? PodAnnotations.Apply(rules, key, value, warn)
            : throw new FormatException("expected KEY=VALUE");

    private static int Port(string value) => ushort.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
}

/// <summary>What to do with the rules of a pod.</summary>
internal enum RedirectAction
{
    /// <summary>Put them in place, instead of any that are there.</summary>
    Apply,

    /// <summary>Take them out.</summary>
    Remove,

    /// <summary>Print them, and whether they are there.</summary>
    Show,
}
