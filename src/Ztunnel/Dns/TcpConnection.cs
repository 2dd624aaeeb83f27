using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>
/// One TCP connection of a client: queries one behind the other, answers as they are ready (RFC 7766 §6.2.1.1), each
/// behind its length in two octets (RFC 1035 §4.2.2).
/// </summary>
internal sealed class TcpConnection(Socket socket, DnsResponder responder, DnsLimits limits, TimeProvider time)
    : IDisposable
{
    private const int PrefixLength = 2;

    private readonly SemaphoreSlim _room = new(limits.PendingPerConnection);
    private readonly Channel<DnsReply> _replies = Channel.CreateUnbounded<DnsReply>(
        new UnboundedChannelOptions { SingleReader = true });

    /// <summary>
    /// Serves until the client closes its side, is idle or slow, or the drain starts; answers that are due still leave.
    /// </summary>
    public async Task RunAsync(CancellationToken drained, CancellationToken forced)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(forced);
        socket.NoDelay = true;
        var writing = WriteAsync(broken);
        var waiting = await ReadAsync(drained, broken.Token);
        await Task.WhenAll(waiting);
        _replies.Writer.Complete();
        await writing;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        socket.Dispose();
        _room.Dispose();
    }

    /// <summary>Reads queries. Never throws for what a client may do.</summary>
    /// <returns>The queries that are not answered yet.</returns>
    private async Task<List<Task>> ReadAsync(CancellationToken drained, CancellationToken broken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(drained, broken);
        var waiting = new List<Task>();
        try
        {
            while (await WaitForDataAsync(stop.Token))
            {
                await _room.WaitAsync(stop.Token);
                waiting.RemoveAll(static query => query.IsCompletedSuccessfully);
                var query = await ReadQueryAsync(broken);
                if (query is null)
                {
                    break;
                }

                waiting.Add(AnswerAsync(query, broken));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException)
        {
            // The client is gone, slow or idle, or we stop. What it asked before is answered if it still listens.
        }

        return waiting;
    }

    /// <summary>Holds no buffer while there is nothing to read.</summary>
    /// <returns>False when the connection has been idle for too long; one with queries that wait is not idle.</returns>
    private async Task<bool> WaitForDataAsync(CancellationToken stop)
    {
        while (true)
        {
            using var timer = new CancellationTokenSource(limits.Idle, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, stop);
            try
            {
                await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, either.Token);
                return true;
            }
            catch (OperationCanceledException) when (timer.IsCancellationRequested && !stop.IsCancellationRequested)
            {
                if (_room.CurrentCount == limits.PendingPerConnection)
                {
                    return false;
                }
            }
        }
    }

    /// <summary>One query, which has to come whole within the limit; null at the end of the client's side.</summary>
    private async Task<byte[]?> ReadQueryAsync(CancellationToken broken)
    {
        using var timer = new CancellationTokenSource(limits.Idle, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, broken);
        var prefix = new byte[PrefixLength];
        if (!await TryFillAsync(prefix, either.Token))
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(prefix);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            return await TryFillAsync(buffer.AsMemory(0, length), either.Token) ? buffer[..length] : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task<bool> TryFillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var length = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            if (length == 0)
            {
                return false;
            }

            buffer = buffer[length..];
        }

        return true;
    }

    /// <summary>The place of a query is free again when its answer has left, so a client that does not read waits.</summary>
    private async Task AnswerAsync(byte[] query, CancellationToken broken)
    {
        var reply = new DnsReply();
        var decision = responder.Decide(query, DnsTransport.Tcp, reply);
        if (decision == Decision.Wait)
        {
            reply = await responder.AnswerAsync(query, DnsTransport.Tcp, broken);
        }

        if (decision == Decision.Ignore || reply is null)
        {
            _room.Release();
            return;
        }

        _replies.Writer.TryWrite(reply);
    }

    private async Task WriteAsync(CancellationTokenSource broken)
    {
        await foreach (var reply in _replies.Reader.ReadAllAsync(CancellationToken.None))
        {
            using (reply)
            {
                if (!broken.IsCancellationRequested && !await TrySendAsync(reply, broken.Token))
                {
                    await broken.CancelAsync();
                }
            }

            _room.Release();
        }

        if (!broken.IsCancellationRequested)
        {
            Close();
        }
    }

    private async Task<bool> TrySendAsync(DnsReply reply, CancellationToken broken)
    {
        using var timer = new CancellationTokenSource(limits.Write, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, broken);
        var message = ArrayPool<byte>.Shared.Rent(PrefixLength + reply.Length);
        try
        {
            BinaryPrimitives.WriteUInt16BigEndian(message, (ushort)reply.Length);
            reply.Span.CopyTo(message.AsSpan(PrefixLength));
            for (var rest = message.AsMemory(0, PrefixLength + reply.Length); rest.Length > 0;)
            {
                rest = rest[await socket.SendAsync(rest, SocketFlags.None, either.Token)..];
            }

            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            return false;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(message);
        }
    }

    private void Close()
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // The client was first.
        }
    }
}
