using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hbone.Http2;

namespace Hbone.Proxying;

/// <summary>
/// Copies between an application's socket and a tunnel until both directions have ended. FIN becomes END_STREAM and back,
/// each direction by itself; a reset on either side resets the other.
/// </summary>
public static class TunnelCopy
{
    /// <summary>Runs until both directions are over. Closes the socket; the stream is ended or reset.</summary>
    /// <param name="stream">The open tunnel.</param>
    /// <param name="socket">The application's connection, taken over.</param>
    /// <param name="socketIsClient">Whether the application dialled (source side) or was dialled.</param>
    /// <param name="counters">Told of payload as it is delivered.</param>
    public static async Task<CopyResult> RunAsync(
        Http2Stream stream, Socket socket, bool socketIsClient, ICopyCounters counters)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(socket);
        try
        {
            socket.Blocking = false;
        }
        catch (ObjectDisposedException e)
        {
            // Somebody has ended it before it began.
            var cause = stream.Failure ?? (Exception)e;
            stream.Reset(ResetCodeFor(socketIsClient));
            return new CopyResult(cause, cause);
        }

        var copy = new Copy(stream, socket, socketIsClient, counters);
        var toTunnel = copy.ToTunnelAsync();
        var toSocket = await copy.ToSocketAsync();
        if (toSocket is null)
        {
            // The application may be silent for long: it must not take a tunnel that broke for one that lives, or hold one
            // that its peer has given up.
            await stream.WaitOverAsync();
            if (stream.Failure is not (null or Http2StreamException { Code: Http2ErrorCode.NoError }))
            {
                await SocketReset.AfterDeliveryAsync(socket);
            }
        }

        var fromSocket = await toTunnel;
        if (stream.Failure is not null)
        {
            // What the application still says has nowhere to go, and closing a socket with input unread sends RST.
            await SocketReset.DeliveredAsync(socket);
        }

        socket.Dispose();
        var (up, down) = socketIsClient ? (fromSocket, toSocket) : (toSocket, fromSocket);
        return new CopyResult(up, down) { DownFirst = copy.First == (socketIsClient ? Way.ToSocket : Way.ToTunnel) };
    }

    // As Envoy does: CANCEL for a client's reset, CONNECT_ERROR (RFC 9113 section 8.5) for a server's.
    private static Http2ErrorCode ResetCodeFor(bool socketIsClient) =>
        socketIsClient ? Http2ErrorCode.Cancel : Http2ErrorCode.ConnectError;

    private enum Way
    {
        None,
        ToTunnel,
        ToSocket,
    }

    private sealed class Copy(Http2Stream stream, Socket socket, bool socketIsClient, ICopyCounters counters)
    {
        private const int MaxGathered = 8;

        private readonly List<StreamRead> _lent = [];
        private readonly List<ArraySegment<byte>> _gathered = [];
        private SocketException? _gone;
        private Way _first;

        /// <summary>Which way broke before anything was done about it.</summary>
        public Way First => _first;

        public async Task<Exception?> ToTunnelAsync()
        {
            var buffer = new CopyBuffer(stream.Memory);
            var readable = false;
            var unused = 0; // credit that was taken and neither used nor given back
            try
            {
                stream.CheckStalled = ResetIfGone;
                while (true)
                {
                    if (!readable)
                    {
                        buffer.Return();
                        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
                    }

                    var room = buffer.PayloadLength;
                    var credit = stream.TakeCredit(room);
                    if (credit == 0)
                    {
                        buffer.Return();
                        if (stream.Failure is { } failure)
                        {
                            return _gone is not null ? _gone : StopReading(failure);
                        }

                        await stream.WaitWritableAsync();
                        readable = true;
                        continue;
                    }

                    unused = credit;
                    var array = buffer.Rent();
                    var read = socket.Receive(
                        array.AsSpan(CopyBuffer.HeadRoom, credit), SocketFlags.None, out var error);
                    unused = 0;
                    stream.GiveBackCredit(credit - Math.Max(read, 0));
                    if (error == SocketError.WouldBlock)
                    {
                        readable = false;
                        continue;
                    }

                    if (error != SocketError.Success)
                    {
                        throw new SocketException((int)error);
                    }

                    if (read == 0)
                    {
                        stream.CompleteWrites();
                        return null;
                    }

                    buffer.Add(read);
                    readable = read == credit;
                    await stream.WriteAsync(array, CopyBuffer.HeadRoom, read);
                    Count(fromSocket: true, read);
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The reset of the socket: pass it on, unless it is our own answer to a reset of the stream.
                Broken(Way.ToTunnel);
                var failure = stream.Failure;
                stream.Reset(ResetCode);
                return failure ?? e;
            }
            finally
            {
                stream.GiveBackCredit(unused);
                buffer.Return();
            }
        }

        public async Task<Exception?> ToSocketAsync()
        {
            try
            {
                while (true)
                {
                    StreamRead read;
                    while (!stream.TryRead(out read))
                    {
                        await stream.WaitReadableAsync();
                    }

                    switch (read.Kind)
                    {
                        case StreamReadKind.Data:
                            await DeliverAsync(read);
                            break;
                        case StreamReadKind.End:
                            socket.Shutdown(SocketShutdown.Send);
                            return null;
                        default:
                            Broken(Way.ToSocket);
                            await SocketReset.AfterDeliveryAsync(socket);
                            return stream.Failure;
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                Broken(Way.ToSocket);
                var failure = stream.Failure;
                stream.Reset(ResetCode);
                SocketReset.Now(socket);
                return failure ?? e;
            }
        }

        private Http2ErrorCode ResetCode => ResetCodeFor(socketIsClient);

        private void Broken(Way way) => Interlocked.CompareExchange(ref _first, way, Way.None);

        // A frame boundary inside what was received at once cuts payload in two: it leaves together all the same.
        private async ValueTask DeliverAsync(StreamRead first)
        {
            _lent.Add(first);
            while (_lent.Count < MaxGathered && stream.TryRead(out var more) && more.Kind == StreamReadKind.Data)
            {
                _lent.Add(more);
            }

            try
            {
                var sent = SendTogether();
                var waiting = CountSent(ref sent);
                KeepWaiting(waiting, sent);
                for (var i = waiting; i < _lent.Count; i++)
                {
                    await socket.SendAsync(_lent[i].Data, SocketFlags.None);
                    Count(fromSocket: false, _lent[i].OriginalLength);
                }
            }
            finally
            {
                foreach (var read in _lent)
                {
                    stream.Return(read);
                }

                _lent.Clear();
            }
        }

        // Counts what has left whole; returns the first that has not, and how much of that one has.
        private int CountSent(ref int sent)
        {
            for (var i = 0; i < _lent.Count; i++)
            {
                var length = _lent[i].Data.Length;
                if (sent < length)
                {
                    return i;
                }

                Count(fromSocket: false, length);
                sent -= length;
            }

            return _lent.Count;
        }

        // The application does not keep up: what waits for it is not to hold more memory than it is long.
        private void KeepWaiting(int first, int sent)
        {
            for (var i = first; i < _lent.Count; i++)
            {
                _lent[i] = stream.Keep(_lent[i], i == first ? sent : 0);
            }
        }

        // What did not fit, or everything after an error, is left to the waiting send, which reports the error.
        private int SendTogether()
        {
            int sent;
            SocketError error;
            if (_lent is [var only])
            {
                sent = socket.Send(only.Data.Span, SocketFlags.None, out error);
            }
            else
            {
                foreach (var read in _lent)
                {
                    if (MemoryMarshal.TryGetArray(read.Data, out var segment))
                    {
                        _gathered.Add(segment);
                    }
                }

                sent = socket.Send(_gathered, SocketFlags.None, out error);
                _gathered.Clear();
            }

            return error == SocketError.Success ? sent : 0;
        }

        // While the peer grants nothing nobody reads from the socket, and its reset would go unnoticed.
        private void ResetIfGone()
        {
            if (SocketReset.IsGone(socket))
            {
                _gone = new SocketException((int)SocketError.ConnectionReset);
                Broken(Way.ToTunnel);
                stream.Reset(ResetCode);
            }
        }

        // A peer that has sent all it had may refuse the rest of what we have (RFC 9113 section 8.1): no error of anybody.
        private static Http2Exception? StopReading(Http2Exception failure) =>
            failure is Http2StreamException { Code: Http2ErrorCode.NoError } ? null : failure;

        private void Count(bool fromSocket, int bytes)
        {
            if (fromSocket == socketIsClient)
            {
                counters.AddReceived(bytes);
            }
            else
            {
                counters.AddSent(bytes);
            }
        }
    }
}
