using System.Net.Sockets;
using System.Threading.Channels;
using Google.Protobuf;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Cni;

/// <summary>
/// One proxy that is connected: hello, snapshot, then one request after the other, each with its ack. Acks carry no
/// number: one that comes too late answers the request after its own, unless the idle check finds it first.
/// </summary>
/// <param name="socket">Given.</param>
/// <param name="number">For the log.</param>
/// <param name="options">Deadlines.</param>
/// <param name="time">Measures them.</param>
/// <param name="logger">For refusals during the snapshot.</param>
internal sealed class CniConnection(
    SeqpacketSocket socket, int number, CniServerOptions options, TimeProvider time, ILogger<CniServer> logger)
    : IDisposable
{
    /// <summary>Bytes that either side reads of a packet.</summary>
    public const int LongestPacket = 1024;

    private const int LongestQueue = 100;

    private readonly Channel<Request> _requests = Channel.CreateBounded<Request>(LongestQueue);
    private readonly byte[] _buffer = new byte[LongestPacket];

    /// <summary>For the log.</summary>
    public int Number => number;

    /// <summary>Serves the proxy until it goes, breaks the protocol or the token fires; requests still waiting then fail.</summary>
    /// <param name="snapshot">The pods to begin with, asked for after the hello.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CniException">Why the connection must be closed; without one the proxy has closed it.</exception>
    /// <exception cref="IOException">The connection is broken.</exception>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public async Task RunAsync(Func<IReadOnlyList<CniPod>> snapshot, CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadAsync(ZdsHello.Parser, options.HelloTimeout, cancellationToken) is null)
            {
                return;
            }

            await SendSnapshotAsync(snapshot(), cancellationToken);
            while (await NextAsync(cancellationToken) is { } request)
            {
                await AnswerAsync(request, cancellationToken);
            }
        }
        finally
        {
            _requests.Writer.TryComplete();
            while (_requests.Reader.TryRead(out var waiting))
            {
                waiting.Done.TrySetException(CniException.ClosedBeforeSent());
            }
        }
    }

    /// <summary>Queues one message behind the snapshot and what else waits, and waits for its ack.</summary>
    /// <param name="message">Shorter than a packet.</param>
    /// <param name="netns">Goes with it, lent until this returns.</param>
    /// <param name="cancellationToken">Stops waiting; a message that was queued may still be sent.</param>
    /// <exception cref="CniException">The proxy refused, did not answer in time, or went away.</exception>
    public async Task SendAsync(WorkloadRequest message, Netns? netns, CancellationToken cancellationToken)
    {
        var request = new Request(
            message, netns, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            await _requests.Writer.WriteAsync(request, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw CniException.ClosedBeforeSent();
        }

        await request.Done.Task.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private async Task SendSnapshotAsync(IReadOnlyList<CniPod> pods, CancellationToken cancellationToken)
    {
        foreach (var pod in pods)
        {
            try
            {
                Send(pod.ToRequest(), pod.Netns);
            }
            catch (ObjectDisposedException)
            {
                continue; // deleted meanwhile
            }

            await ReadSnapshotAckAsync(pod.Uid, cancellationToken);
        }

        Send(new WorkloadRequest { SnapshotSent = new SnapshotSent() }, netns: null);
        await ReadSnapshotAckAsync("", cancellationToken);
        logger.SnapshotSent(number, pods.Count);
    }

    private async Task ReadSnapshotAckAsync(string uid, CancellationToken cancellationToken)
    {
        if (await ReadAckAsync(cancellationToken) is { Length: > 0 } error)
        {
            logger.SnapshotRefused(number, uid, error);
        }
    }

    /// <summary>The next request; null when the proxy turns out to have gone.</summary>
    private async Task<Request?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            using var interval = new CancellationTokenSource(options.IdleCheckInterval, time);
            using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, interval.Token);
            try
            {
                return await _requests.Reader.ReadAsync(idle.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                if (!await IsAliveAsync(cancellationToken))
                {
                    return null;
                }
            }
        }
    }

    /// <summary>A proxy that is alive says nothing unless asked.</summary>
    private async Task<bool> IsAliveAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.IdleCheckTimeout, time);
        using var look = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        Packet packet;
        try
        {
            packet = await socket.ReceiveAsync(_buffer, look.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return true;
        }

        Close(packet);
        return packet.Length > 0
            ? throw CniException.Protocol("ztunnel protocol error, unexpected message")
            : false;
    }

    private async Task AnswerAsync(Request request, CancellationToken cancellationToken)
    {
        try
        {
            Send(request.Message, request.Netns);
            var error = await ReadAckAsync(cancellationToken);
            if (error.Length == 0)
            {
                request.Done.TrySetResult();
            }
            else
            {
                request.Done.TrySetException(CniException.Refused(error));
            }
        }
        catch (ObjectDisposedException) when (request.Netns is not null)
        {
            request.Done.TrySetException(CniException.NamespaceGone());
        }
        catch (TimeoutException)
        {
            request.Done.TrySetException(CniException.TimedOut());
        }
        catch (CniException e)
        {
            request.Done.TrySetException(CniException.ClosedBeforeResponse(e));
            throw;
        }
        catch (Exception e)
        {
            request.Done.TrySetException(CniException.ClosedBeforeResponse(e is OperationCanceledException ? null : e));
            throw;
        }
    }

    // One request is under way at a time, so there is room in the socket unless acks have long been missing; then the
    // connection is given up as it is when the proxy has gone.
    private void Send(WorkloadRequest message, Netns? netns) => socket.Send(message.ToByteArray(), netns?.Handle);

    /// <summary>The error of the next ack, empty when it has none.</summary>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="CniException">It cannot be read, or the proxy has gone.</exception>
    private async Task<string> ReadAckAsync(CancellationToken cancellationToken)
    {
        var response = await ReadAsync(WorkloadResponse.Parser, options.AckTimeout, cancellationToken)
            ?? throw CniException.Protocol("the proxy closed the connection instead of answering");
        return response.Ack?.Error ?? throw CniException.Protocol("the proxy's answer is not an ack");
    }

    private async Task<T?> ReadAsync<T>(MessageParser<T> parser, TimeSpan limit, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        using var timer = new CancellationTokenSource(limit, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timer.Token);
        Packet packet;
        try
        {
            packet = await socket.ReceiveAsync(_buffer, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no {typeof(T).Name} within {limit}");
        }

        Close(packet);
        if (packet.Length == 0)
        {
            return null;
        }

        if (packet.IsTruncated || packet.Descriptors is { Count: > 0 })
        {
            throw CniException.Protocol(
                packet.Descriptors is { Count: > 0 } ? "unexpected descriptor from ztunnel" : "truncated message");
        }

        try
        {
            return parser.ParseFrom(_buffer, 0, packet.Length);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw CniException.Protocol($"cannot decode {typeof(T).Name}: {e.Message}");
        }
    }

    // Proxies have no descriptors to give.
    private static void Close(Packet packet)
    {
        foreach (var descriptor in packet.Descriptors ?? [])
        {
            descriptor.Dispose();
        }
    }

    private sealed record Request(WorkloadRequest Message, Netns? Netns, TaskCompletionSource Done);
}
