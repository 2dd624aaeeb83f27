using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Redirection.Rules;
using Ztunnel.Cni;

namespace Ztunnel.Cli;

/// <summary>What <c>ztunnel probes</c> was asked to do.</summary>
/// <param name="Action">With the rules.</param>
/// <param name="Netns">Path of the node's network namespace.</param>
/// <param name="Backend">Which tool programs them.</param>
/// <param name="Rules">What they should be; no matter for <see cref="RedirectAction.Remove"/>.</param>
internal sealed record ProbesOptions(RedirectAction Action, string Netns, RuleBackend Backend, HostProbeRules Rules)
{
    /// <summary>For error messages.</summary>
    public const string Usage = "ztunnel probes apply|remove|show --netns NODE [options], see 'ztunnel help'";

    /// <summary>Reads what follows <c>probes</c>.</summary>
    /// <exception cref="UsageException">It cannot be understood.</exception>
    public static ProbesOptions Parse(IReadOnlyList<string> arguments)
    {
        RedirectAction? action = null;
        string? netns = null;
        var backend = RuleBackend.Nftables;
        var rules = new HostProbeRules();
        var reader = new ArgumentReader(arguments);
        while (reader.TryRead(out var argument))
        {
            switch (argument)
            {
                case "apply" or "remove" or "show" when action is null:
                    action = RedirectOptions.ActionOf(argument);
                    break;
                case "--netns":
                    netns = reader.ReadValue(argument);
                    break;
                case "--backend":
                    backend = RedirectOptions.BackendOf(reader.ReadValue(argument));
                    break;
                case "--ipv4-only":
                    rules = rules with { Ipv6 = false };
                    break;
                case "--pod-address" or "--probe-address" or "--user":
                    rules = WithValue(rules, argument, reader.ReadValue(argument));
                    break;
                default:
                    throw ArgumentReader.Unexpected(argument, Usage);
            }
        }

        return action is null
            ? throw new UsageException($"expected apply, remove or show: {Usage}")
            : netns is null
                ? throw new UsageException($"--netns is missing: {Usage}")
                : new ProbesOptions(action.Value, NetnsPath.Of(netns), backend, rules);
    }

    private static HostProbeRules WithValue(HostProbeRules rules, string option, string value)
    {
        if (option == "--user")
        {
            return uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var user)
                ? rules with { ProberUser = user }
                : throw new UsageException($"{option} cannot be '{value}': expected a number");
        }

        if (!IPAddress.TryParse(value, out var address))
        {
            throw new UsageException($"{option} cannot be '{value}': expected an IP address");
        }

        return option == "--pod-address"
            ? rules with { PodAddresses = [.. rules.PodAddresses, address] }
            : address.AddressFamily == AddressFamily.InterNetworkV6
                ? rules with { ProbeAddressIpv6 = address }
                : rules with { ProbeAddress = address };
    }
}
