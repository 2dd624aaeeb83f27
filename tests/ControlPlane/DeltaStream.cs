using Google.Protobuf;
using Grpc.Core;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;

namespace ControlPlane;

/// <summary>
/// The server's side of one delta stream: answers requests and pushes what changes, addresses before policies. One loop
/// does both.
/// </summary>
internal sealed class DeltaStream(
    PublishedMesh mesh, string client, IServerStreamWriter<byte[]> responses, TextWriter log)
{
    private static readonly string[] PushOrder = [TypeUrls.Address, TypeUrls.Authorization];

    private readonly Dictionary<string, Subscription> _subscriptions = [];
    private readonly HashSet<string> _unanswered = [];
    private int _nonce;
    private int _applied;

    /// <summary>Serves until the client ends its side, or is gone.</summary>
    /// <param name="first">What it sent first.</param>
    /// <param name="requests">What follows.</param>
    /// <param name="cancellationToken">Fires when the client is gone.</param>
    public async Task RunAsync(
        DeltaDiscoveryRequest first,
        IAsyncStreamReader<DeltaDiscoveryRequest> requests,
        CancellationToken cancellationToken)
    {
        var version = mesh.Current;
        await HandleAsync(first, version);
        var reading = requests.MoveNext(cancellationToken);
        while (true)
        {
            await Task.WhenAny(reading, version.Replaced).WaitAsync(cancellationToken);
            if (version.Replaced.IsCompleted)
            {
                version = mesh.Current;
                await PushAsync(version);
                continue;
            }

            if (!await reading)
            {
                return;
            }

            await HandleAsync(requests.Current, version);
            reading = requests.MoveNext(cancellationToken);
        }
    }

    private async Task HandleAsync(DeltaDiscoveryRequest request, PublishedMesh.Version version)
    {
        if (request.ResponseNonce.Length > 0)
        {
            Note(request, version);
        }

        if (version.Resources.Of(request.TypeUrl) is null)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"unknown type '{request.TypeUrl}'"));
        }

        if (_subscriptions.TryGetValue(request.TypeUrl, out var subscription))
        {
            if (request.TypeUrl == TypeUrls.Address)
            {
                await SendAsync(subscription.Ask(version.Resources, request.ResourceNamesSubscribe, NextNonce()));
            }

            return;
        }

        subscription = new Subscription(request);
        _subscriptions.Add(request.TypeUrl, subscription);
        await SendAsync(subscription.Begin(version.Resources, NextNonce()));
    }

    private async Task PushAsync(PublishedMesh.Version version)
    {
        foreach (var typeUrl in PushOrder)
        {
            if (_subscriptions.TryGetValue(typeUrl, out var subscription))
            {
                await SendAsync(subscription.Changes(version.Resources, NextNonce()));
            }
        }
    }

    private async Task SendAsync(DeltaDiscoveryResponse? response)
    {
        if (response is not null)
        {
            _unanswered.Add(response.Nonce);
            await responses.WriteAsync(response.ToByteArray());
        }
    }

    private void Note(DeltaDiscoveryRequest answer, PublishedMesh.Version version)
    {
        if (answer.ErrorDetail is { } error)
        {
            log.WriteLine($"mesh {version.Number}: refused by {client}: {error.Message}");
        }

        if (_unanswered.Remove(answer.ResponseNonce) && _unanswered.Count == 0
            && _subscriptions.Count == PushOrder.Length && _applied != version.Number)
        {
            _applied = version.Number;
            log.WriteLine($"mesh {version.Number}: applied by {client}");
        }
    }

    private string NextNonce() => FormattableString.Invariant($"{++_nonce}");
}
