using System.Collections.Immutable;

namespace Ztunnel.Cli;

/// <summary>What the process was asked to do.</summary>
/// <param name="Command">The first argument; <see cref="Command.Proxy"/> without one.</param>
/// <param name="Arguments">
/// What follows <c>demo</c>, without its options, <c>cni-server</c>, <c>redirect</c> or <c>probes</c>; with
/// <see cref="Command.Inspect"/> all of them; else empty.
/// </param>
/// <param name="Keep">Only with <see cref="Command.Demo"/>: leave nodes and pods running.</param>
/// <param name="ControlPlane">Only with <see cref="Command.Demo"/>: executable of a control plane for the proxies, null
/// for a mesh file and a CA folder.</param>
/// <param name="Error">Only with <see cref="Command.Unknown"/>: one line for standard error.</param>
internal sealed record CommandLine(
    Command Command,
    ImmutableArray<string> Arguments,
    bool Keep = false,
    string? ControlPlane = null,
    string? Error = null)
{
    private const string KeepOption = "--keep";
    private const string ControlPlaneOption = "--xds";

    /// <summary>What <c>ztunnel help</c> prints.</summary>
    public const string Help = """
        ztunnel, a node proxy for Istio ambient mesh

        Usage: ztunnel [command]

          proxy            run the proxy (the default); further arguments are ignored
          demo [--keep] [--xds PROGRAM]
                           run two nodes and their pods in network namespaces of this machine, from a mesh file
                           or from a control plane; scripts/demo.sh --xds builds that program
          cni-server       stand in for Istio's CNI agent: enrol network namespaces of this machine
          redirect         write, remove or show the redirection rules of one network namespace
          probes           the same for the rules that let a node's health probes pass the proxy
          workloads        show what a running proxy knows of the mesh, as 'istioctl ztunnel-config' does;
                           also services, policies, certificates and connections
          version          print version and build
          help             print this text

        The proxy is configured by environment variables, see README.md.

        ztunnel cni-server [options]
          --uds PATH           where proxies connect, default /var/run/ztunnel/ztunnel.sock
          --control PATH       another socket that takes the lines of standard input, below
          --add 'NETNS ...'    enrol from the start, may be repeated

        Its standard input takes one command per line, each answered by 'ok' or 'error: ...':
          add NETNS [--uid UID] --name NAME --namespace NAMESPACE --service-account ACCOUNT
          del UID              proxies stop serving the pod
          keep UID             proxies that connect from now on keep what they have of it
          list                 pods, and how many proxies are connected

        ztunnel redirect apply|remove|show --netns NAME [options]
          --netns NAME         as 'ip netns' lists it, or a path
          --backend nft        or iptables
          --dns                capture DNS queries, too
          --ingress            leave plaintext inbound connections alone
          --ipv4-only          no rules for IPv6
          --virtual-interface NAME      treat what comes in there as outbound
          --probe-address IP            source of health probes, once per family
          --exclude-port PORT           TCP out of the pod to this port is not captured
          --exclude-inbound-port PORT   TCP into the pod to this port is not captured
          --exclude-cidr CIDR           nothing out of the pod to these addresses is captured
          --annotation KEY=VALUE        of the pod, as Istio's CNI agent reads it

        ztunnel probes apply|remove|show --netns NODE [options]
          --netns, --backend, --ipv4-only, --probe-address   as above
          --pod-address IP     a pod that is probed, may be repeated
          --user UID           whose connections are probes, default 0; nft only

        ztunnel workloads|services|policies|certificates|connections [options]
          --admin URL          of the proxy, default http://127.0.0.1:15000
          -f FILE              a saved /config_dump instead, - for standard input
          -o table             or json, yaml
          --workload-namespace NAME     only these: workloads, connections
          --service-namespace NAME      services
          --policy-namespace NAME       policies
          --address IP                  workloads
          --workload-node NODE          workloads
          --direction inbound           or outbound: connections, in the table
          --raw                addresses instead of names: connections, in the table
        """;

    /// <summary>Reads the arguments without the program's name. Never fails.</summary>
    public static CommandLine Parse(ReadOnlySpan<string> arguments) => arguments switch
    {
        [] or ["proxy", ..] => new(Command.Proxy, []), // the chart passes "proxy ztunnel"
        ["demo", .. var rest] => Demo([.. rest]),
        ["cni-server", .. var rest] => new(Command.CniServer, [.. rest]),
        ["redirect", .. var rest] => new(Command.Redirect, [.. rest]),
        ["probes", .. var rest] => new(Command.Probes, [.. rest]),
        [var subject, ..] when InspectOptions.IsSubject(subject) => new(Command.Inspect, [.. arguments]),
        ["version", ..] => new(Command.Version, []),
        ["help" or "--help" or "-h", ..] => new(Command.Help, []),
        [var other, ..] => new(
            Command.Unknown,
            [],
            Error: $"unknown command '{other}': expected proxy, demo, cni-server, redirect, probes, "
                + "workloads, services, policies, certificates, connections, version or help"),
    };

    private static CommandLine Demo(ImmutableArray<string> rest)
    {
        var keep = rest.Contains(KeepOption);
        rest = rest.RemoveAll(argument => argument == KeepOption);
        var option = rest.IndexOf(ControlPlaneOption);
        if (option < 0)
        {
            return new(Command.Demo, rest, keep);
        }

        return option + 1 < rest.Length
            ? new(Command.Demo, rest.RemoveRange(option, 2), keep, ControlPlane: rest[option + 1])
            : new(Command.Unknown, [], Error: $"{ControlPlaneOption} needs the program of a control plane");
    }
}

/// <summary>Commands of <c>ztunnel</c>.</summary>
internal enum Command
{
    /// <summary>Run the node proxy.</summary>
    Proxy,

    /// <summary>Run the embedded demonstration.</summary>
    Demo,

    /// <summary>Run the stand-in for Istio's CNI agent.</summary>
    CniServer,

    /// <summary>Program the redirection of a network namespace.</summary>
    Redirect,

    /// <summary>Program what a node does to its health probes.</summary>
    Probes,

    /// <summary>Show a part of a proxy's config dump.</summary>
    Inspect,

    /// <summary>Print <see cref="VersionInfo"/>.</summary>
    Version,

    /// <summary>Print <see cref="CommandLine.Help"/>.</summary>
    Help,

    /// <summary>Print <see cref="CommandLine.Error"/> and end with status 1.</summary>
    Unknown,
}
