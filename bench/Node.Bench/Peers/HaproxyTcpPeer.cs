using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>
/// HAProxy in the client's pod, two threads, passing TCP on to where the client wanted to go. The pod's connections are
/// redirected to it by the same rules as to us.
/// </summary>
/// <param name="alwaysSplices">
/// Whether it splices all that it can (<c>splice-request</c>, <c>splice-response</c>), or when it thinks best
/// (<c>splice-auto</c>), which may be never: strace tells.
/// </param>
internal sealed class HaproxyTcpPeer(bool alwaysSplices) : IPeer
{
    /// <summary>User that it runs as: its own connections are told from the client's by it, as ours are by their mark.</summary>
    private const int User = 15_001;

    private const int Port = 15_001;

    // Without a server, `option transparent` dials the original destination.
    private readonly string _configuration = $"""
        global
          nbthread 2
          maxconn 4096
          uid {User}
          gid {User}
        defaults
          mode tcp
          timeout connect 5s
          timeout client 1h
          timeout server 1h
        listen passthrough
          bind 0.0.0.0:{Port}
          option transparent
          {(alwaysSplices ? "option splice-request" : "option splice-auto")}
          {(alwaysSplices ? "option splice-response" : "")}

        """;

    public string Name => alwaysSplices ? PeerNames.HaproxySplice : PeerNames.HaproxyAuto;

    public IPEndPoint EchoTarget { get; } = new(PodPair.DestinationAddress, PodPair.EchoPort);

    public IPEndPoint IperfTarget { get; } = new(PodPair.DestinationAddress, PodPair.IperfPort);

    public async Task PrepareAsync(PodPair pods, CancellationToken cancellationToken)
    {
        await Capture.ApplyAsync(pods.Source, cancellationToken, User);
        var file = Path.Combine(pods.Folder, "passthrough.cfg");
        await File.WriteAllTextAsync(file, _configuration, cancellationToken);
    }

    public async Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken)
    {
        // In the foreground and without master, so the process we started is the one that works.
        var spec = new ProcessSpec("haproxy", "-db", "-f", Path.Combine(pods.Folder, "passthrough.cfg"));
        return [await pods.Source.StartListenerAsync(spec, Port, cancellationToken)];
    }
}
