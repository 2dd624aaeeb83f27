using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>The server's end of one delta stream, played by a test.</summary>
internal sealed class ServerStream(
    IAsyncStreamReader<DeltaDiscoveryRequest> requests, IServerStreamWriter<byte[]> responses, ServerCallContext context)
{
    private readonly Channel<DeltaDiscoveryRequest> _requests = Channel.CreateUnbounded<DeltaDiscoveryRequest>();
    private readonly TaskCompletionSource<Status> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Metadata Headers => context.RequestHeaders;

    /// <summary>Completes when the client has gone away.</summary>
    public CancellationToken ClientGone { get; } = context.CancellationToken;

    /// <summary>Next request of the client, in its order.</summary>
    public async Task<DeltaDiscoveryRequest> ReadAsync() =>
        await _requests.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask()
            .WaitAsync(Limit, TestContext.Current.CancellationToken);

    /// <summary>Whether a request has arrived that nobody has read.</summary>
    public bool HasUnread => _requests.Reader.TryPeek(out _);

    public Task SendAsync(byte[] response) => responses.WriteAsync(response, TestContext.Current.CancellationToken);

    /// <summary>Sends a response and reads its answer, which must be for it.</summary>
    public async Task<DeltaDiscoveryRequest> SendAndReadAnswerAsync(byte[] response)
    {
        await SendAsync(response);
        var answer = await ReadAsync();
        var sent = DeltaDiscoveryResponse.Parser.ParseFrom(response);
        Assert.Equal((sent.TypeUrl, sent.Nonce), (answer.TypeUrl, answer.ResponseNonce));
        return answer;
    }

    /// <summary>The same when requests that nobody has read may come before the answer.</summary>
    public async Task SendAndReadAnswerAfterAsync(byte[] response)
    {
        await SendAsync(response);
        var nonce = DeltaDiscoveryResponse.Parser.ParseFrom(response).Nonce;
        while ((await ReadAsync()).ResponseNonce != nonce)
        {
        }
    }

    /// <summary>Sends a response that must be acknowledged.</summary>
    public async Task SendAndReadAckAsync(byte[] response)
    {
        var answer = await SendAndReadAnswerAsync(response);
        Assert.Null(answer.ErrorDetail);
    }

    /// <summary>Ends the stream with a status.</summary>
    public void End(StatusCode code = StatusCode.OK, string detail = "") => _end.TrySetResult(new Status(code, detail));

    /// <summary>Cuts the connection without a word.</summary>
    public void Abort() => context.GetHttpContext().Abort();

    /// <summary>Sends the head of a gRPC message and half of its body, then cuts the connection.</summary>
    public async Task AbortInsideMessageAsync(byte[] response)
    {
        await SendHeadAsync((uint)response.Length);
        await SendPieceAsync(response.AsMemory(0, response.Length / 2));
        Abort();
    }

    /// <summary>Sends the head of a gRPC message alone: not compressed, length as four bytes.</summary>
    public async Task SendHeadAsync(uint length)
    {
        var head = new byte[5];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(1), length);
        await SendPieceAsync(head);
    }

    /// <summary>Sends bytes of a message that was begun with its head.</summary>
    public async Task SendPieceAsync(ReadOnlyMemory<byte> bytes) =>
        await context.GetHttpContext().Response.BodyWriter.WriteAsync(bytes, TestContext.Current.CancellationToken);

    /// <summary>Asks the client to leave with a GOAWAY; the stream itself goes on until it is ended.</summary>
    public void SayGoAway() =>
        context.GetHttpContext().Features.GetRequiredFeature<IConnectionLifetimeNotificationFeature>().RequestClose();

    /// <summary>Collects requests until the stream ends.</summary>
    public async Task RunAsync()
    {
        _ = CollectAsync();
        await using var gone = context.CancellationToken.UnsafeRegister(
            static end => ((TaskCompletionSource<Status>)end!).TrySetResult(Status.DefaultCancelled), _end);
        var status = await _end.Task;
        if (status.StatusCode != StatusCode.OK)
        {
            throw new RpcException(status);
        }
    }

    private static TimeSpan Limit { get; } = TimeSpan.FromSeconds(20);

    private async Task CollectAsync()
    {
        try
        {
            while (await requests.MoveNext(context.CancellationToken))
            {
                await _requests.Writer.WriteAsync(requests.Current);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The client has gone, or the test has ended the call.
        }
    }
}
