using Grpc.Core;
using Ztunnel.Protos.Discovery;
using Ztunnel.Tests.ControlPlane;

namespace ControlPlane;

/// <summary>Delta ADS (RPC <c>DeltaAggregatedResources</c>) over a mesh that changes.</summary>
internal sealed class MeshDiscovery(PublishedMesh mesh, Callers callers, TextWriter log) : DiscoveryService
{
    /// <inheritdoc/>
    public override async Task DeltaAggregatedResources(
        IAsyncStreamReader<DeltaDiscoveryRequest> requests,
        IServerStreamWriter<byte[]> responses,
        ServerCallContext context)
    {
        var caller = callers.Authenticate(context);
        try
        {
            if (!await requests.MoveNext(context.CancellationToken))
            {
                return;
            }

            var first = requests.Current;
            RefuseOtherNamespace(first.Node, caller);
            await new DeltaStream(mesh, first.Node.Id, responses, log)
                .RunAsync(first, requests, context.CancellationToken);
        }
        catch (Exception e) when (
            e is OperationCanceledException or IOException && context.CancellationToken.IsCancellationRequested)
        {
            // The client is gone.
        }
    }

    /// <summary>As istiod does: a node is what its token says.</summary>
    private static void RefuseOtherNamespace(Node? node, Caller caller)
    {
        if (node?.Metadata?.Fields.GetValueOrDefault("NAMESPACE")?.StringValue is not { } said)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "the first request names no node"));
        }

        if (said != caller.Namespace)
        {
            throw new RpcException(new Status(
                StatusCode.PermissionDenied, $"a token of namespace {caller.Namespace} for a node in {said}"));
        }
    }
}
