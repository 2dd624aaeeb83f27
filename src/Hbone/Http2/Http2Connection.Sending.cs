using System.Buffers;
using System.Buffers.Binary;
using Hbone.Http2.Hpack;

namespace Hbone.Http2;

/// <summary>What we send: called by streams and by the owner of the connection, from any thread.</summary>
public sealed partial class Http2Connection
{
    private const int DefaultWindow = 65_535;

    // A peer may return credit for the stream and the connection after every frame of the smallest maximum length, and
    // some do it in halves.
    private const int EarnedUpdates = 4;
    private const int OctetsPerUpdate = 4 * 1024;

    private readonly HashSet<Http2Stream> _blocked = [];
    private readonly ArrayBufferWriter<byte> _encoded = new();
    private PeerSettings _peer = PeerSettings.Initial;
    private long _sendWindow = DefaultWindow;
    private long _sendQueued;
    private int _nextStreamId = 1;
    private int _lastStreamTold = int.MaxValue;

    /// <summary>Sends a request that opens a stream (RFC 9113 section 8.5); clients only.</summary>
    /// <param name="headers">Pseudo headers first.</param>
    /// <param name="closed">Called outside the gate when the stream is over.</param>
    /// <returns>The stream, or null when this connection takes no more: full, going away or broken.</returns>
    /// <exception cref="ArgumentException">A header holds a character above U+00FF; nothing was sent.</exception>
    internal Http2Stream? TryOpen(ReadOnlySpan<HeaderField> headers, Action? closed = null)
    {
        bool write;
        Http2Stream stream;
        lock (Gate)
        {
            if (_failure is not null || _draining || _nextStreamId < 0 || _streams.Count >= _peer.MaxConcurrentStreams)
            {
                return null;
            }

            AppendHeaders(_nextStreamId, headers, endStream: false);
            stream = NewStream(_nextStreamId, ours: true, closed);
            _nextStreamId += 2; // wraps below zero after the last identifier
            _streams.Add(stream.Id, stream);
            write = _writes.TryClaim();
        }

        RunWrites(write);
        return stream;
    }

    /// <summary>Waits for the answer to a request.</summary>
    /// <exception cref="Http2Exception">The stream was reset or the connection broke before it came.</exception>
    internal async ValueTask<ConnectAnswer> WaitAnswerAsync(Http2Stream stream)
    {
        ValueTask answered;
        lock (Gate)
        {
            answered = stream.Answer is null && !stream.IsReset ? stream.Answered.Arm() : ValueTask.CompletedTask;
        }

        await answered;
        lock (Gate)
        {
            return stream.Answer ?? throw stream.FailureUnderGate!;
        }
    }

    internal void Answer(Http2Stream stream, ReadOnlySpan<HeaderField> headers, bool endStream)
    {
        bool write;
        List<Http2Stream>? closed;
        lock (Gate)
        {
            Settle(stream);
            if (endStream)
            {
                stream.DropReceived(); // nobody reads a request that is refused
            }

            if (stream.IsReset || _failure is not null)
            {
                return;
            }

            AppendAnswer(stream, headers, endStream);
            write = _writes.TryClaim();
            closed = TakeClosed();
        }

        Finish(write, closed);
    }

    internal ValueTask WriteAsync(DataFrame frame)
    {
        var write = false;
        var written = ValueTask.CompletedTask;
        bool isVoid;
        lock (Gate)
        {
            isVoid = frame.Stream.IsReset || _failure is not null;
            if (!isVoid)
            {
                written = frame.Stream.Written.Arm();
                _abuse.Earn(AbuseKind.WindowUpdate, EarnedUpdates + (frame.Length / OctetsPerUpdate));
                _writes.Append(frame);
                write = _writes.TryClaim();
            }
        }

        if (isVoid)
        {
            GiveBackCredit(frame.Stream, frame.Length);
        }

        RunWrites(write);
        return written;
    }

    internal void CompleteWrites(Http2Stream stream)
    {
        bool write;
        List<Http2Stream>? closed;
        lock (Gate)
        {
            if (stream.IsReset || stream.LocalEnded || _failure is not null)
            {
                return;
            }

            stream.LocalEnded = true;
            _writes.Append(new FrameHeader(0, FrameType.Data, FrameHeader.EndStream, stream.Id), default);
            if (stream.RemoteEnded)
            {
                Remove(stream);
            }

            write = _writes.TryClaim();
            closed = TakeClosed();
        }

        Finish(write, closed);
    }

    internal void Reset(Http2Stream stream, Http2StreamException failure)
    {
        var toFire = new List<AsyncSignal>();
        bool write;
        List<Http2Stream>? closed;
        lock (Gate)
        {
            Settle(stream);
            if (!_streams.ContainsKey(stream.Id))
            {
                // Over on the wire; what is still buffered is of no use to anybody.
                stream.Fail(failure, dropReceived: true, toFire);
                ReturnConnectionCredit();
                write = _failure is null && _writes.TryClaim();
                closed = null;
            }
            else
            {
                _writes.Append(FrameType.RstStream, stream.Id, (int)failure.Code);
                stream.Fail(failure, dropReceived: true, toFire);
                Remove(stream);
                write = _writes.TryClaim();
                closed = TakeClosed();
            }
        }

        Fire(toFire);
        Finish(write, closed);
    }

    internal void ReturnCredit(Http2Stream stream, int length)
    {
        bool write;
        lock (Gate)
        {
            if (length == 0 || _failure is not null)
            {
                return;
            }

            if (!stream.RemoteEnded && !stream.IsReset)
            {
                Acknowledge(stream, length);
            }

            ReturnConnectionCredit();
            write = _writes.TryClaim();
        }

        RunWrites(write);
    }

    // Everything below is called under the gate.
    private void Settle(Http2Stream stream)
    {
        if (stream.IsPending)
        {
            stream.IsPending = false;
            _abandoned -= _streams.ContainsKey(stream.Id) ? 0 : 1;
        }
    }

    private void AppendSettings()
    {
        Span<byte> payload = stackalloc byte[24];
        var options = _role.Options;
        var (firstId, first) = _role.IsServer
            ? (SettingId.MaxConcurrentStreams, _role.MaxConcurrentStreams)
            : (SettingId.EnablePush, 0);
        WriteSetting(payload, firstId, first);
        WriteSetting(payload[6..], SettingId.InitialWindowSize, options.StreamWindowSize);
        WriteSetting(payload[12..], SettingId.MaxFrameSize, options.MaxFrameSize);
        WriteSetting(payload[18..], SettingId.MaxHeaderListSize, _role.MaxHeaderListSize);
        AppendSettings(payload);
        if (options.OfferedConnectionWindow > DefaultWindow)
        {
            _writes.Append(FrameType.WindowUpdate, 0, options.OfferedConnectionWindow - DefaultWindow);
        }
    }

    private void AppendSettings(ReadOnlySpan<byte> payload)
    {
        _settingsUnacknowledged++;
        _writes.Append(new FrameHeader(payload.Length, FrameType.Settings, 0, 0), payload);
    }

    private static void WriteSetting(Span<byte> entry, SettingId id, int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(entry, (ushort)id);
        BinaryPrimitives.WriteInt32BigEndian(entry[2..], value);
    }

    // Section 6.8: what was once called the last stream is never raised.
    private void AppendGoAway(Http2ErrorCode code) =>
        AppendGoAway(code, _lastStreamTold = Math.Min(_lastStreamTold, _lastPeerStreamId));

    private void AppendGoAway(Http2ErrorCode code, int lastStreamId)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStreamId);
        BinaryPrimitives.WriteInt32BigEndian(payload[4..], (int)code);
        _writes.Append(new FrameHeader(payload.Length, FrameType.GoAway, 0, 0), payload);
    }

    private void AppendPing(ReadOnlySpan<byte> opaque) =>
        _writes.Append(new FrameHeader(opaque.Length, FrameType.Ping, 0, 0), opaque);

    private void AppendAnswer(Http2Stream stream, ReadOnlySpan<HeaderField> headers, bool endStream)
    {
        AppendHeaders(stream.Id, headers, endStream);
        if (!endStream)
        {
            return;
        }

        stream.LocalEnded = true;
        if (!stream.RemoteEnded)
        {
            // As the reference does: the client is to send no more.
            _writes.Append(FrameType.RstStream, stream.Id, (int)Http2ErrorCode.NoError);
        }

        Remove(stream);
    }

    private void AppendHeaders(int streamId, ReadOnlySpan<HeaderField> headers, bool endStream)
    {
        _encoded.ResetWrittenCount();
        _encoder.Encode(headers, _encoded);
        var block = _encoded.WrittenSpan;
        var type = FrameType.Headers;
        var flags = endStream ? FrameHeader.EndStream : (byte)0;
        do
        {
            var fragment = block[..Math.Min(block.Length, _peer.MaxFrameSize)];
            block = block[fragment.Length..];
            flags |= block.IsEmpty ? FrameHeader.EndHeaders : (byte)0;
            _writes.Append(new FrameHeader(fragment.Length, type, flags, streamId), fragment);
            type = FrameType.Continuation;
            flags = 0;
        }
        while (!block.IsEmpty);
    }

    private void SendPing()
    {
        bool write;
        lock (Gate)
        {
            if (_failure is not null)
            {
                return;
            }

            AppendPing("keepaliv"u8);
            write = _writes.TryClaim();
        }

        RunWrites(write);
    }

    private List<Http2Stream>? TakeClosed()
    {
        var closed = _closed;
        _closed = null;
        return closed;
    }

    private void Finish(bool write, List<Http2Stream>? closed)
    {
        RunWrites(write);
        TellClosed(closed);
    }

    private static void Fire(List<AsyncSignal> signals)
    {
        foreach (var signal in signals)
        {
            signal.Fire();
        }
    }
}
