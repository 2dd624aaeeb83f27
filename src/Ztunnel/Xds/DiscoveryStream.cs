using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>
/// One delta stream from its first requests to its end (RPC <c>DeltaAggregatedResources</c>). Responses are handled one
/// after the other: applied, then answered.
/// </summary>
internal sealed class DiscoveryStream(
    Subscriptions subscriptions,
    ResponseDecoder decoder,
    ResponsePieces pieces,
    Demands? demands,
    XdsMetrics metrics,
    ILogger logger) : IDisposable
{
    /// <summary>Resources from which on memory is given back at once.</summary>
    private const int LargeResponse = 10_000;

    private readonly Method<DeltaDiscoveryRequest, DecodedResponse> _method = new(
        MethodType.DuplexStreaming,
        "envoy.service.discovery.v3.AggregatedDiscoveryService",
        "DeltaAggregatedResources",
        Marshallers.Create<DeltaDiscoveryRequest>(
            static (request, context) =>
            {
                context.SetPayloadLength(request.CalculateSize());
                request.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            static _ => throw new NotSupportedException("requests are only written")),
        decoder.MarshallerFor(pieces));

    // The gRPC client takes one message at a time; answers and demands come from two tasks.
    private readonly SemaphoreSlim _sending = new(1, 1);

    // Of the first request for addresses, until its answer has come.
    private IReadOnlyList<string> _claimed = [];

    /// <summary>Whether a response has arrived.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Called with the first response.</summary>
    public Action? Opened { get; init; }

    /// <summary>Returns when the server ends the stream without an error.</summary>
    /// <exception cref="RpcException">It ended otherwise.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task RunAsync(
        CallInvoker invoker, Metadata headers, InitialRequests requests, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var call = invoker.AsyncDuplexStreamingCall(
            _method, null, new CallOptions(headers, cancellationToken: stop.Token));
        subscriptions.BeginStream(requests.WithoutClaims);
        _claimed = requests.ClaimedAddresses;
        demands?.BeginStream(_claimed);
        var demanding = Task.CompletedTask;
        try
        {
            foreach (var request in requests.Messages)
            {
                await SendAsync(call, request, stop.Token);
            }

            demanding = SendDemandsAsync(call, stop.Token);
            while (await call.ResponseStream.MoveNext(stop.Token))
            {
                var response = call.ResponseStream.Current;
                if (!ReferenceEquals(response, DecodedResponse.Incomplete))
                {
                    await HandleAsync(call, response, stop.Token);
                }
            }
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.Cancelled && stop.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        finally
        {
            await stop.CancelAsync();
            await demanding;
            subscriptions.EndStream();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sending.Dispose();

    private async Task HandleAsync(
        AsyncDuplexStreamingCall<DeltaDiscoveryRequest, DecodedResponse> call,
        DecodedResponse response,
        CancellationToken cancellationToken)
    {
        if (!IsOpen)
        {
            IsOpen = true;
            Opened?.Invoke();
        }

        metrics.Received(response.TypeUrl, response.PayloadBytes);
        logger.Received(response.Resources.Count, response.Removed.Count, response.TypeUrl);
        var rejections = subscriptions.Apply(response);
        subscriptions.Answered(response.TypeUrl);
        if (response.TypeUrl == TypeUrls.Address)
        {
            demands?.Answer(response, _claimed);
            _claimed = [];
        }

        var isLarge = response.Resources.Count + response.Removed.Count >= LargeResponse;
        response.Forget(); // the call holds it until the next one comes
        if (isLarge)
        {
            // Much has become garbage at once, and nothing else may happen for hours.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }

        var answer = new DeltaDiscoveryRequest { TypeUrl = response.TypeUrl, ResponseNonce = response.Nonce };
        if (rejections is not null)
        {
            logger.Rejected(response.TypeUrl, StreamFailure.Shorten(rejections));
            answer.ErrorDetail = new Protos.Rpc.Status { Message = rejections };
        }

        if (await SendAsync(call, answer, cancellationToken) && rejections is null)
        {
            subscriptions.Acknowledged(response.TypeUrl);
        }
    }

    private async Task SendDemandsAsync(
        AsyncDuplexStreamingCall<DeltaDiscoveryRequest, DecodedResponse> call, CancellationToken cancellationToken)
    {
        if (demands is null)
        {
            return;
        }

        try
        {
            await foreach (var name in demands.Unsent.ReadAllAsync(cancellationToken))
            {
                // Noted before it is sent: what is asked for is claimed by the next stream, whatever becomes of this one.
                subscriptions.Addresses.Ask(name);
                if (demands.TrySubscribe(name))
                {
                    var request = new DeltaDiscoveryRequest { TypeUrl = TypeUrls.Address };
                    request.ResourceNamesSubscribe.Add(name);
                    await SendAsync(call, request, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The stream is over.
        }
    }

    /// <summary>False when the call is over; why is what reading says.</summary>
    private async Task<bool> SendAsync(
        AsyncDuplexStreamingCall<DeltaDiscoveryRequest, DecodedResponse> call,
        DeltaDiscoveryRequest request,
        CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await call.RequestStream.WriteAsync(request, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            return false;
        }
        finally
        {
            _sending.Release();
        }
    }
}
