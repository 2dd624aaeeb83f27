using System.Buffers;
using Hbone.Http2.Hpack;

namespace Hbone.Http2;

/// <summary>What arrives: called by the read loop, under the gate.</summary>
public sealed partial class Http2Connection : IFrameHandler
{
    // A header block may be this much longer than the list it is allowed to decode to: padding by Huffman and indexing.
    private const int MaxHeaderBlockFactor = 2;

    private readonly ArrayBufferWriter<byte> _headerBlock = new();
    private readonly List<HeaderField> _fields = [];
    private readonly SkippedStreams _skipped = new();
    private int _prefaceLeft;
    private bool _settingsReceived;
    private int _headersStream;
    private bool _headersEndStream;
    private int _lastPeerStreamId;

    // Requests whose stream is over while they are still being worked on. They count as streams, or a client could have
    // any number of them by resetting each at once (CVE-2023-44487).
    private int _abandoned;
    private List<Http2Stream>? _closed;

    private static ReadOnlySpan<byte> DrainPing => "draining"u8;

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <inheritdoc/>
    void IFrameHandler.OnData(int streamId, int payloadLength, bool isUseless)
    {
        ReceiveOnConnection(payloadLength);
        if (isUseless)
        {
            _abuse.Count(AbuseKind.EmptyData);
        }
        else
        {
            _abuse.Earn(AbuseKind.EmptyData, 1);
        }

        if (Find(streamId) is not { } stream)
        {
            return;
        }

        stream.ReceiveWindow -= payloadLength;
        if (stream.RemoteEnded)
        {
            FailStream(stream, Http2ErrorCode.StreamClosed, "DATA after END_STREAM");
        }
        else if (stream.ReceiveWindow < 0 && payloadLength > 0) // an empty END_STREAM needs no window: section 6.9.1
        {
            FailStream(stream, Http2ErrorCode.FlowControlError, "DATA beyond the stream's window");
        }
        else if (!_role.IsServer && stream.Answer is null)
        {
            FailStream(stream, Http2ErrorCode.ProtocolError, "DATA before the answer");
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnPadding(int streamId, int length)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            ReturnStreamCredit(stream);
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnPayload(int streamId, ReceiveSegment segment, int offset, int length)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            stream.Receive(segment, offset, length, _toFire);
            ShedIfExhausted();
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnEndStream(int streamId)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            EndRemote(stream);
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnReset(int streamId, Http2ErrorCode code)
    {
        if (Find(streamId) is not { } stream)
        {
            _abuse.Count(AbuseKind.UselessFrame);
            return;
        }

        if (stream.IsPending)
        {
            _abuse.Count(AbuseKind.AbandonedRequest);
        }

        stream.Fail(
            new Http2StreamException(streamId, code, $"stream reset by peer: {code}"), dropReceived: false, _toFire);
        Remove(stream);
    }

    /// <inheritdoc/>
    void IFrameHandler.OnSettings(ReadOnlySpan<byte> payload)
    {
        _abuse.Count(AbuseKind.Settings);
        _settingsReceived = true;
        _creditSeen = true;
        var before = _peer;
        _peer = _peer.With(payload, peerIsServer: !_role.IsServer);
        _writes.MaxFrameSize = _peer.MaxFrameSize;
        _encoder.SetMaxDynamicTableSize(_peer.SmallestHeaderTableSize);
        _encoder.SetMaxDynamicTableSize(_peer.HeaderTableSize);
        _writes.Append(new FrameHeader(0, FrameType.Settings, FrameHeader.Ack, 0), default);
        var change = (long)_peer.InitialWindowSize - before.InitialWindowSize;
        foreach (var stream in _streams.Values)
        {
            if (!TryWiden(stream, change))
            {
                throw new Http2ConnectionException(
                    Http2ErrorCode.FlowControlError,
                    $"SETTINGS widen stream {stream.Id} beyond 2^31-1"); // section 6.9.2
            }
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnSettingsAck()
    {
        if (_settingsUnacknowledged > 0)
        {
            _settingsUnacknowledged--;
        }
        else
        {
            _abuse.Count(AbuseKind.UselessFrame);
        }

        ApplyNarrowing();
    }

    /// <inheritdoc/>
    void IFrameHandler.OnPing(ReadOnlySpan<byte> opaque, bool ack)
    {
        if (!ack)
        {
            _abuse.Count(AbuseKind.Ping);
            _writes.Append(new FrameHeader(opaque.Length, FrameType.Ping, FrameHeader.Ack, 0), opaque);
        }
        else if (_drainAnnounced && !_draining && opaque.SequenceEqual(DrainPing))
        {
            // Whatever the peer opened before it heard of the drain has arrived.
            _draining = true;
            AppendGoAway(Http2ErrorCode.NoError);
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnGoAway(int lastStreamId, Http2ErrorCode code)
    {
        _draining = true;
        if (_role.IsServer)
        {
            return;
        }

        TellGoingAway(_toFire);

        // Section 6.8: streams above the last one were not processed and may be sent again elsewhere.
        foreach (var stream in _streams.Values.Where(s => s.Id > lastStreamId).ToList())
        {
            stream.Fail(
                new Http2StreamException(stream.Id, Http2ErrorCode.RefusedStream, $"connection going away: {code}"),
                dropReceived: false,
                _toFire);
            Remove(stream);
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnWindowUpdate(int streamId, int increment)
    {
        _abuse.Count(AbuseKind.WindowUpdate);
        _creditSeen = true;
        if (streamId == 0)
        {
            if (increment == 0)
            {
                throw new Http2ConnectionException(Http2ErrorCode.ProtocolError, "WINDOW_UPDATE of 0");
            }

            WidenConnection(increment);
        }
        else if (Find(streamId) is { } stream)
        {
            if (increment == 0)
            {
                FailStream(stream, Http2ErrorCode.ProtocolError, "WINDOW_UPDATE of 0");
            }
            else if (!TryWiden(stream, increment))
            {
                FailStream(stream, Http2ErrorCode.FlowControlError, "send window beyond 2^31-1"); // section 6.9.1
            }
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnIgnored() => _abuse.Count(AbuseKind.IgnoredFrame);

    private void ConsumePreface(ReceiveBuffer input)
    {
        if (_prefaceLeft == 0)
        {
            return;
        }

        var received = input.Take(_prefaceLeft);
        if (!Preface[^_prefaceLeft..].StartsWith(received))
        {
            throw new Http2ConnectionException(Http2ErrorCode.ProtocolError, "no HTTP/2 connection preface");
        }

        _prefaceLeft -= received.Length;
    }

    private void EndRemote(Http2Stream stream)
    {
        stream.ReceiveEnd(_toFire);
        if (stream.LocalEnded)
        {
            Remove(stream);
        }
    }

    // A stream that was open once is ignored now; one that never was is the peer's mistake (section 5.1).
    private Http2Stream? Find(int streamId)
    {
        if (!_streams.TryGetValue(streamId, out var stream))
        {
            RefuseIdle(streamId, "frame");
        }

        return stream;
    }

    private void RefuseIdle(int streamId, string what)
    {
        var opened = streamId % 2 == 1 ? _role.IsServer ? _lastPeerStreamId : _nextStreamId - 2 : 0;
        if (streamId > opened)
        {
            throw new Http2ConnectionException(Http2ErrorCode.ProtocolError, $"{what} on idle stream {streamId}");
        }
    }

    private void FailStream(Http2Stream stream, Http2ErrorCode code, string message)
    {
        _abuse.Count(AbuseKind.StreamError);
        _writes.Append(FrameType.RstStream, stream.Id, (int)code);
        stream.Fail(new Http2StreamException(stream.Id, code, $"stream {stream.Id}: {message}"), dropReceived: true, _toFire);
        Remove(stream);
    }

    private void Remove(Http2Stream stream)
    {
        if (_streams.Remove(stream.Id))
        {
            _blocked.Remove(stream);
            ReleaseHeld(stream);
            _abandoned += stream.IsPending ? 1 : 0;
            (_closed ??= []).Add(stream);
            ReturnConnectionCredit(); // what it held may be what the connection's credit waited for
        }
    }
}
