using Google.Protobuf;
using Grpc.Core;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>
/// The service as generated code would have it, except that responses are bytes: recordings go out as they were, and
/// malformed ones can be sent. ASP.NET Core looks for the method below the class that binds it.
/// </summary>
[BindServiceMethod(typeof(DiscoveryService), nameof(Bind))]
internal abstract class DiscoveryService
{
    public static void Bind(ServiceBinderBase binder, DiscoveryService? service) => binder.AddMethod(
        new Method<DeltaDiscoveryRequest, byte[]>(
            MethodType.DuplexStreaming,
            "envoy.service.discovery.v3.AggregatedDiscoveryService",
            nameof(DeltaAggregatedResources),
            Marshallers.Create(message => message.ToByteArray(), DeltaDiscoveryRequest.Parser.ParseFrom),
            Marshallers.Create(bytes => bytes, bytes => bytes)),
        service is null
            ? null
            : new DuplexStreamingServerMethod<DeltaDiscoveryRequest, byte[]>(service.DeltaAggregatedResources));

    public abstract Task DeltaAggregatedResources(
        IAsyncStreamReader<DeltaDiscoveryRequest> requests,
        IServerStreamWriter<byte[]> responses,
        ServerCallContext context);
}
