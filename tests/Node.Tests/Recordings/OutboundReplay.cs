using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests.Recordings;

/// <summary>Pod a with its proxy; pod b and the waypoint are one recorder.</summary>
public sealed class OutboundReplay : IAsyncLifetime
{
    private static readonly IPAddress Waypoint = IPAddress.Parse("10.77.0.9");

    private TwoPods? _pods;

    /// <summary>The proxy of pod a; its log is plain text.</summary>
    internal ProxyProcess Proxy { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _pods = await TwoPods.CreateAsync(CancellationToken.None);
        try
        {
            await _pods.B.Namespace.IpAsync([$"address add {Waypoint}/24 dev eth0"], CancellationToken.None);
            Proxy = await _pods.CaptureAsync(
                _pods.A, new WorkloadInfo("a", "default", "a"), "plain", CancellationToken.None);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_pods is not null)
        {
            await _pods.DisposeAsync();
        }
    }

    /// <summary>Starts the server with the certificates that a situation is about.</summary>
    internal HboneRecorder StartServer(string situation)
    {
        var server = Issue(situation == "server with the wrong identity" ? "other/sa/bad" : "shop/sa/b");
        var waypoint = Issue("shop/sa/waypoint");
        return HboneRecorder.Start(_pods!.B, address => address.Equals(Waypoint) ? waypoint : server);
    }

    /// <summary>Connects from an application of pod a.</summary>
    internal Task<Socket> DialAsync(IPEndPoint destination, CancellationToken cancellationToken) =>
        _pods!.A.ConnectAsync(destination.Address, destination.Port, cancellationToken);

    private SslStreamCertificateContext Issue(string account) =>
        RecordedTls.Issue(_pods!.AuthorityFolder, $"spiffe://cluster.local/ns/{account}");
}
