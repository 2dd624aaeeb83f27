using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>
/// HAProxy at each end, two threads each; every TCP connection becomes a mutual TLS 1.3 connection between them.
/// </summary>
internal sealed class HaproxyPeer : IPeer
{
    private const int SourceEchoPort = 17_007;
    private const int SourceIperfPort = 15_201;
    private const int TunnelEchoPort = 18_007;
    private const int TunnelIperfPort = 18_201;

    private const string Tls =
        "ssl ssl-min-ver TLSv1.3 ciphersuites TLS_AES_256_GCM_SHA384"
        + $" verify required ca-file {HaproxyCertificates.Root}";

    private const string Common = """
        global
          nbthread 2
          maxconn 4096
        defaults
          mode tcp
          timeout connect 5s
          timeout client 1h
          timeout server 1h

        """;

    public string Name => PeerNames.Haproxy;

    public IPEndPoint EchoTarget { get; } = new(IPAddress.Loopback, SourceEchoPort);

    public IPEndPoint IperfTarget { get; } = new(IPAddress.Loopback, SourceIperfPort);

    public async Task PrepareAsync(PodPair pods, CancellationToken cancellationToken)
    {
        HaproxyCertificates.Write(pods.Folder);
        var source = Common
            + SourceSection("echo", SourceEchoPort, TunnelEchoPort)
            + SourceSection("iperf", SourceIperfPort, TunnelIperfPort);
        var destination = Common
            + DestinationSection("echo", TunnelEchoPort, PodPair.EchoPort)
            + DestinationSection("iperf", TunnelIperfPort, PodPair.IperfPort);
        await File.WriteAllTextAsync(Path.Combine(pods.Folder, "source.cfg"), source, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(pods.Folder, "destination.cfg"), destination, cancellationToken);
    }

    public async Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken) =>
    [
        await pods.Source.StartListenerAsync(Haproxy(pods, "source.cfg"), SourceEchoPort, cancellationToken),
        await pods.Destination.StartListenerAsync(Haproxy(pods, "destination.cfg"), TunnelEchoPort, cancellationToken),
    ];

    // In the foreground and without master, so the process we started is the one that works.
    private static ProcessSpec Haproxy(PodPair pods, string configuration) =>
        new("haproxy", "-db", "-C", pods.Folder, "-f", Path.Combine(pods.Folder, configuration));

    private static string SourceSection(string name, int port, int tunnelPort) =>
        $"""
        listen {name}
          bind 127.0.0.1:{port}
          server tunnel {PodPair.DestinationAddress}:{tunnelPort} {Tls} crt {HaproxyCertificates.Source}

        """;

    private static string DestinationSection(string name, int tunnelPort, int port) =>
        $"""
        listen {name}
          bind {PodPair.DestinationAddress}:{tunnelPort} {Tls} crt {HaproxyCertificates.Destination}
          server application 127.0.0.1:{port}

        """;
}
