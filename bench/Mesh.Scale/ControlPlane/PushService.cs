using System.Threading.Channels;
using Grpc.Core;
using Ztunnel.Protos.Discovery;
using Ztunnel.Tests.ControlPlane;

namespace Mesh.Scale.ControlPlane;

/// <summary>Delta ADS whose streams are handed to whoever pushes.</summary>
internal sealed class PushService : DiscoveryService
{
    private readonly Channel<PushStream> _accepted = Channel.CreateUnbounded<PushStream>();

    /// <summary>Streams whose first requests have come.</summary>
    public ChannelReader<PushStream> Accepted => _accepted.Reader;

    public override async Task DeltaAggregatedResources(
        IAsyncStreamReader<DeltaDiscoveryRequest> requests,
        IServerStreamWriter<byte[]> responses,
        ServerCallContext context)
    {
        var stream = new PushStream(requests, responses, context);
        await stream.OpenAsync();
        await _accepted.Writer.WriteAsync(stream);
        await stream.RunAsync();
    }
}
