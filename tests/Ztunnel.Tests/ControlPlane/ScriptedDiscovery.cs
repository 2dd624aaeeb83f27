using System.Threading.Channels;
using Grpc.Core;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Delta ADS whose streams a test plays.</summary>
internal sealed class ScriptedDiscovery : DiscoveryService
{
    private readonly Channel<ServerStream> _accepted = Channel.CreateUnbounded<ServerStream>();

    /// <summary>Value of <c>authorization</c> that is let in.</summary>
    public string? RequiredAuthorization { get; set; }

    /// <summary>Set to answer each request with this status of HTTP, as a proxy before istiod does.</summary>
    public int? HttpStatus { get; set; }

    /// <summary>Set to answer each stream with this status at once.</summary>
    public Status? Refusal { get; set; }

    public ChannelReader<ServerStream> Accepted => _accepted.Reader;

    public override async Task DeltaAggregatedResources(
        IAsyncStreamReader<DeltaDiscoveryRequest> requests,
        IServerStreamWriter<byte[]> responses,
        ServerCallContext context)
    {
        if (RequiredAuthorization is { } required && context.RequestHeaders.GetValue("authorization") != required)
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "authentication failure"));
        }

        if (Refusal is { } refusal)
        {
            throw new RpcException(refusal);
        }

        var stream = new ServerStream(requests, responses, context);
        await _accepted.Writer.WriteAsync(stream);
        await stream.RunAsync();
    }
}
