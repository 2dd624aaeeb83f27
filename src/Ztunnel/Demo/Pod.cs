using System.Net;
using Redirection;
using Redirection.Rules;

namespace Ztunnel.Demo;

/// <summary>A pod of the topology: a namespace with one wire to its node and addresses of its own.</summary>
internal sealed class Pod(string name, TopologyNode node, NetworkNamespace network, IPAddress ipv4, IPAddress? ipv6)
{
    /// <summary>Its Kubernetes name, unique in the topology.</summary>
    public string Name { get; } = name;

    /// <summary>Where it runs.</summary>
    public TopologyNode Node { get; } = node;

    /// <summary>Where its processes run.</summary>
    public NetworkNamespace Namespace { get; } = network;

    /// <summary>Its IPv4 address.</summary>
    public IPAddress IPv4 { get; } = ipv4;

    /// <summary>Its IPv6 address; none with <see cref="TopologyOptions.IPv6"/> off.</summary>
    public IPAddress? IPv6 { get; } = ipv6;

    /// <summary>Opens its namespace, for sockets of our own in it. The caller's to dispose.</summary>
    public Netns OpenNetns() => Netns.Open(Namespace.Path);

    /// <summary>Redirects its TCP traffic and its DNS queries to a proxy, as the CNI agent would.</summary>
    /// <exception cref="ToolException">The rules could not be applied.</exception>
    public async Task CaptureAsync(CancellationToken cancellationToken, RuleBackend backend = RuleBackend.Nftables)
    {
        using var netns = OpenNetns();
        var rules = new InPodRules { Ipv6 = IPv6 is not null };
        await new InPodRulesApplier(netns, backend).ApplyAsync(rules, cancellationToken);
    }
}
