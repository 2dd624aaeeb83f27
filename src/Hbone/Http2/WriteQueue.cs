using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using Hbone.Tls;

namespace Hbone.Http2;

/// <summary>
/// Whole frames on their way to the peer. Whoever queues into an idle queue becomes the write loop until it is empty, so
/// that a frame is encrypted and sent on the thread that made it; everybody else only queues.
/// </summary>
/// <remarks>
/// <see cref="Append(FrameHeader, ReadOnlySpan{byte})"/>, <see cref="Append(DataFrame)"/> and <see cref="TryClaim"/> are called under the connection's gate,
/// <see cref="Run"/> outside it. Short frames go first: none of them must follow DATA of its own stream that is still
/// queued, except RST_STREAM, which makes that DATA void.
/// </remarks>
internal sealed class WriteQueue(
    ITransport transport, Lock gate, Func<int, List<AsyncSignal>?> dequeued, Action<Exception> broken)
{
    // One send per so many encrypted bytes: beyond, larger batches gain nothing and leave the cache.
    private const int FlushThreshold = 128 * 1024;

    // A peer that makes us answer (PING, SETTINGS) and does not read is cut off here.
    private const int MaxShortFrameBytes = 1024 * 1024;

    // DATA this short waits for its send before more is read: it is an answer somebody waits for, not a flood.
    private const int SmallData = 16 * 1024;

    // After so much without waiting, other sockets of this thread get their turn.
    private const int YieldAfter = 16 * 1024 * 1024;

    private readonly ByteBatch _short = new();
    private readonly Queue<DataFrame> _data = new();
    private readonly List<Http2Stream> _unsent = [];
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _running;
    private bool _stopped;
    private bool _farewell;
    private Task _loop = Task.CompletedTask;

    /// <summary>Largest payload the peer takes; guarded by the gate.</summary>
    public int MaxFrameSize { get; set; } = PeerSettings.Initial.MaxFrameSize;

    /// <summary>After <see cref="ClaimFarewell"/>: completes when everything has left, or nothing can.</summary>
    public Task Finished => _finished.Task;

    /// <summary>Ends a connection whose peer makes us answer and does not read the answers.</summary>
    /// <exception cref="Http2ConnectionException">Too much is queued.</exception>
    public void ThrowIfFlooded()
    {
        if (_short.Length > MaxShortFrameBytes)
        {
            throw new Http2ConnectionException(Http2ErrorCode.EnhanceYourCalm, "peer does not read our control frames");
        }
    }

    /// <summary>Queues a short frame.</summary>
    public void Append(FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Span<byte> octets = stackalloc byte[FrameHeader.Length];
        header.Write(octets);
        _short.Append(octets);
        _short.Append(payload);
    }

    /// <summary>Queues raw octets: the connection preface.</summary>
    public void AppendRaw(ReadOnlySpan<byte> octets) => _short.Append(octets);

    /// <summary>Queues a frame whose payload is one 32-bit number.</summary>
    public void Append(FrameType type, int streamId, int value)
    {
        Span<byte> payload = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(payload, value);
        Append(new FrameHeader(sizeof(int), type, 0, streamId), payload);
    }

    /// <summary>Queues payload; its stream is told when the buffer is free again.</summary>
    public void Append(DataFrame frame) => _data.Enqueue(frame);

    /// <summary>True when the caller has to <see cref="Run"/> the queue after leaving the gate.</summary>
    public bool TryClaim()
    {
        if (_running || _stopped)
        {
            return false;
        }

        _running = true;
        return true;
    }

    /// <summary>
    /// After <see cref="Stop"/>: what was appended since, then close_notify, are the last to leave. True as with
    /// <see cref="TryClaim"/>.
    /// </summary>
    public bool ClaimFarewell()
    {
        _farewell = true;
        if (_running)
        {
            return false;
        }

        _running = true;
        return true;
    }

    /// <summary>Writes until the queue is empty.</summary>
    public void Run() => _loop = RunAsync();

    /// <summary>
    /// Drops the payload that is queued and tells its streams; short frames still leave before the farewell. Called under
    /// the gate, once.
    /// </summary>
    public void Stop(List<AsyncSignal> toFire)
    {
        _stopped = true;
        while (_data.TryDequeue(out var frame))
        {
            if (frame.Stream.Written.Disarm())
            {
                toFire.Add(frame.Stream.Written);
            }
        }
    }

    /// <summary>Lets go of short frames that nobody will send. Called under the gate.</summary>
    public void Discard()
    {
        if (_short.Take(out _) is { } unsent)
        {
            ArrayPool<byte>.Shared.Return(unsent);
        }
    }

    private async Task RunAsync()
    {
        try
        {
            var written = 0;
            while (true)
            {
                var more = WriteNext(ref written);
                if (!more && TakeFarewell())
                {
                    transport.WriteClose();
                }

                if (!more || transport.Unsent >= FlushThreshold)
                {
                    await transport.FlushAsync();
                    FreeUnsent();
                }

                if (!more && TryFinish())
                {
                    return;
                }

                if (written >= YieldAfter)
                {
                    written = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception e) when (e is TlsException or SocketException or ObjectDisposedException)
        {
            broken(e);
            lock (gate)
            {
                Discard();
            }

            FreeUnsent();
            _finished.TrySetResult();
        }
    }

    // False when nothing was queued.
    private bool WriteNext(ref int written)
    {
        byte[]? frames;
        int length;
        DataFrame data = default;
        DataFrame rest = default;
        List<AsyncSignal>? toFire = null;
        var maxFrameSize = 0;
        var isVoid = false;
        lock (gate)
        {
            frames = _short.Take(out length);
            if (frames is null)
            {
                if (!_data.TryDequeue(out data))
                {
                    return false;
                }

                maxFrameSize = MaxFrameSize;
                isVoid = data.Stream.IsReset;
                if (!isVoid) // void payload gives its credit back instead
                {
                    toFire = dequeued(data.Length);
                    data = data.Affordable(out rest);
                }
            }
        }

        if (toFire is not null)
        {
            foreach (var signal in toFire)
            {
                signal.Fire();
            }
        }

        if (frames is not null)
        {
            WriteShort(frames, length);
            return true;
        }

        if (!isVoid)
        {
            try
            {
                data.Write(transport, maxFrameSize);
            }
            catch
            {
                _unsent.Add(data.Stream);
                throw;
            }

            written += data.Length;
        }
        else
        {
            data.Stream.GiveBackCredit(data.Length); // the connection's credit outlives the stream
        }

        if (rest.Length > 0)
        {
            rest.Stream.HoldBack(rest);
        }
        else if (data.Length < SmallData && !isVoid)
        {
            _unsent.Add(data.Stream);
        }
        else
        {
            Free(data.Stream);
        }

        return true;
    }

    private void WriteShort(byte[] frames, int length)
    {
        try
        {
            transport.Write(frames.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frames);
        }
    }

    private void FreeUnsent()
    {
        // By index: a stream that goes on here may queue more, but never writes to this list.
        for (var i = 0; i < _unsent.Count; i++)
        {
            Free(_unsent[i]);
        }

        _unsent.Clear();
    }

    private void Free(Http2Stream stream)
    {
        bool waiting;
        lock (gate)
        {
            waiting = stream.Written.Disarm();
        }

        if (waiting)
        {
            stream.Written.Fire();
        }
    }

    private bool TakeFarewell()
    {
        lock (gate)
        {
            var farewell = _farewell;
            _farewell = false;
            return farewell;
        }
    }

    private bool TryFinish()
    {
        bool finished;
        lock (gate)
        {
            if (_short.Length > 0 || _data.Count > 0 || _farewell)
            {
                return false;
            }

            _running = false;
            finished = _stopped;
        }

        if (finished)
        {
            _finished.TrySetResult();
        }

        return true;
    }
}
