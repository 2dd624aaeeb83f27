using System.Net;
using Ztunnel.Demo;

namespace Node.Tests.Routes;

/// <summary>
/// HAProxy in a captured pod as its waypoint application: takes bytes on one port, with or without a PROXY header before
/// them, and goes on to a server through the pod's own proxy. It prints a line for each connection at its end.
/// </summary>
internal sealed class HaproxyPeer
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ChildProcess _process;

    private HaproxyPeer(ChildProcess process) => _process = process;

    public long Count => _process.Output.Count;

    /// <param name="pod">Where.</param>
    /// <param name="port">Its port.</param>
    /// <param name="expectsHeader">Whether a PROXY protocol header comes first.</param>
    /// <param name="server">Where the bytes go on to.</param>
    /// <param name="folder">For its configuration.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public static async Task<HaproxyPeer> StartAsync(
        Pod pod, int port, bool expectsHeader, IPEndPoint server, string folder, CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, $"haproxy-{pod.Name}.cfg");
        await File.WriteAllTextAsync(file, Configuration(port, expectsHeader, server), cancellationToken);
        var process = await pod.Namespace.StartAsync(new ProcessSpec("haproxy", "-db", "-f", file));
        await process.WaitForListenerAsync(port, Limit, cancellationToken);
        return new HaproxyPeer(process);
    }

    /// <summary>The first connection since a line: from whom, and to whom, it was told.</summary>
    public async Task<(IPAddress Source, IPEndPoint Destination)> ConnectionAsync(
        long since, CancellationToken cancellationToken)
    {
        var line = await _process.Output.FirstWithinAsync(
            line => line.Contains("connection ", StringComparison.Ordinal), since, Limit, cancellationToken);
        Assert.True(line is not null, $"HAProxy saw no connection: {_process.Output} {_process.Error}");
        var words = line[line.IndexOf("connection ", StringComparison.Ordinal)..].Split(' ');
        return (
            IPAddress.Parse(words[1]),
            new IPEndPoint(IPAddress.Parse(words[2]), int.Parse(words[3], System.Globalization.CultureInfo.InvariantCulture)));
    }

    // A listener for each family, so that addresses are never mapped by a socket of both.
    private static string Configuration(int port, bool expectsHeader, IPEndPoint server)
    {
        var accept = expectsHeader ? " accept-proxy" : "";
        return FormattableString.Invariant(
            $"""
            global
              log stdout format raw local0
            defaults
              mode tcp
              timeout connect 10s
              timeout client 30s
              timeout server 30s
            frontend waypoint
              bind 0.0.0.0:{port}{accept}
              bind :::{port} v6only{accept}
              log global
              log-format "connection %[src] %[dst] %[dst_port]"
              default_backend endpoint
            backend endpoint
              server endpoint {server}

            """);
    }
}
