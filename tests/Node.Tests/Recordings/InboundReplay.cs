using Ztunnel.Mesh;

namespace Node.Tests.Recordings;

/// <summary>Pod b with its proxy and an echo server, and pod a beside it for the client.</summary>
public sealed class InboundReplay : IAsyncLifetime
{
    private TwoPods? _pods;
    private PodServer? _server;

    public async ValueTask InitializeAsync()
    {
        _pods = await TwoPods.CreateAsync(CancellationToken.None);
        try
        {
            await _pods.CaptureAsync(
                _pods.B, new WorkloadInfo("b", "shop", "b"), "json", CancellationToken.None);
            _server = PodServer.Start(_pods.B, AccessReplay.EchoPort, AccessReplay.EchoAsync);
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        if (_pods is not null)
        {
            await _pods.DisposeAsync();
        }
    }

    /// <summary>Connects to port 15008 of pod b as the recorded client.</summary>
    internal Task<HboneClient> ConnectAsync(RecordedRequest request, CancellationToken cancellationToken) =>
        HboneClient.ConnectAsync(_pods!, _pods!.B.IPv4, request.Identity, cancellationToken);
}
