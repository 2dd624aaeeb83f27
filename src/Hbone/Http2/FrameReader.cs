using System.Buffers.Binary;

namespace Hbone.Http2;

/// <summary>
/// Cuts one connection's bytes into frames, RFC 9113 sections 4.1, 4.2 and 6. Synchronous: fed with whatever has arrived,
/// it hands on payload as it comes, so that a long DATA frame needs no buffer of its length.
/// </summary>
internal sealed class FrameReader(IFrameHandler handler, int maxFrameSize)
{
    // Frames that are read whole must fit into what one read leaves in the buffer; none is legitimately longer.
    private const int MaxWholePayload = 16_384;

    // Empty CONTINUATION frames cost the sender nothing and never end (CVE-2024-27316).
    private const int MaxContinuations = 64;

    private FrameHeader _frame;
    private bool _inFrame;
    private int _left;
    private int _padding;
    private bool _prefixRead;
    private bool _settingsSeen;
    private int _headersStream;
    private int _continuations;

    /// <summary>Whether what was taken ends inside a frame or a header block.</summary>
    public bool IsInsideFrame => _inFrame || _headersStream != 0;

    /// <summary>Whether a header block has begun and not ended: nothing else can come meanwhile.</summary>
    public bool IsInsideHeaderBlock => _headersStream != 0;

    /// <summary>Takes as much as is complete; the rest must be offered again with more behind it.</summary>
    /// <returns>Bytes taken.</returns>
    /// <exception cref="Http2ConnectionException">The peer broke the framing.</exception>
    public int Consume(ReceiveSegment segment, int offset, int length)
    {
        var position = offset;
        var end = offset + length;
        while (true)
        {
            if (!_inFrame)
            {
                if (end - position < FrameHeader.Length)
                {
                    return position - offset;
                }

                Begin(FrameHeader.Read(segment.Array.AsSpan(position)));
                position += FrameHeader.Length;
            }

            var taken = Advance(segment, position, end - position);
            if (taken < 0)
            {
                return position - offset;
            }

            position += taken;
            if (_inFrame)
            {
                return position - offset;
            }
        }
    }

    private void Begin(FrameHeader frame)
    {
        if (frame.PayloadLength > maxFrameSize)
        {
            throw SizeError(frame, $"is longer than the {maxFrameSize} announced");
        }

        if (_headersStream != 0 && (frame.Type != FrameType.Continuation || frame.StreamId != _headersStream))
        {
            throw ProtocolError($"{frame.Type} on stream {frame.StreamId} inside the header block of {_headersStream}");
        }

        if (!_settingsSeen && (frame.Type != FrameType.Settings || frame.Has(FrameHeader.Ack)))
        {
            throw ProtocolError($"first frame is {frame.Type}, not SETTINGS"); // section 3.4
        }

        _settingsSeen = true;
        CheckStream(frame);
        CheckLength(frame);
        if (frame.Type is FrameType.Priority or > FrameType.Continuation)
        {
            handler.OnIgnored();
        }

        _frame = frame;
        _inFrame = true;
        _left = frame.PayloadLength;
        _padding = 0;
        _prefixRead = false;
    }

    // Returns the octets taken, or -1 when the next step needs more than there is.
    private int Advance(ReceiveSegment segment, int position, int available)
    {
        switch (_frame.Type)
        {
            case FrameType.Data:
            case FrameType.Headers:
            case FrameType.Continuation:
            case FrameType.GoAway:
                return AdvancePieces(segment, position, available);
            case FrameType.RstStream:
            case FrameType.Settings:
            case FrameType.Ping:
            case FrameType.WindowUpdate:
                if (available < _left)
                {
                    return -1;
                }

                Dispatch(segment.Array.AsSpan(position, _left));
                _inFrame = false;
                return _left;
            default:
                return Skip(available);
        }
    }

    private int AdvancePieces(ReceiveSegment segment, int position, int available)
    {
        var taken = 0;
        if (!_prefixRead)
        {
            taken = ReadPrefix(segment.Array.AsSpan(position, Math.Min(available, _left)));
            if (taken < 0)
            {
                return -1;
            }
        }

        var piece = Math.Min(available - taken, _left - _padding);
        if (piece > 0)
        {
            _left -= piece;
            if (_frame.Type == FrameType.Data)
            {
                handler.OnPayload(_frame.StreamId, segment, position + taken, piece);
            }
            else if (_frame.Type != FrameType.GoAway)
            {
                handler.OnHeaderFragment(segment.Array.AsSpan(position + taken, piece));
            }

            taken += piece;
        }

        var padding = _left <= _padding ? Math.Min(available - taken, _left) : 0;
        _left -= padding;
        _padding -= padding;
        if (_left == 0)
        {
            End();
        }

        return taken + padding;
    }

    // Pad length, priority fields, or the fixed part of GOAWAY: what stands before the payload proper.
    private int ReadPrefix(ReadOnlySpan<byte> start)
    {
        var length = _frame.Type == FrameType.GoAway ? 8 : 0;
        var padded = _frame.Type is FrameType.Data or FrameType.Headers && _frame.Has(FrameHeader.Padded);
        if (_frame.Type is FrameType.Data or FrameType.Headers)
        {
            length = (padded ? 1 : 0)
                + (_frame.Type == FrameType.Headers && _frame.Has(FrameHeader.Priority) ? 5 : 0);
        }

        if (start.Length < length)
        {
            return _left < length ? throw SizeError(_frame, "is shorter than its fields") : -1;
        }

        _prefixRead = true;
        _left -= length;
        _padding = padded ? start[0] : 0;
        if (_padding > _left)
        {
            throw ProtocolError($"padding of {_padding} octets is longer than the {_frame.Type} frame"); // section 6.1
        }

        switch (_frame.Type)
        {
            case FrameType.Data:
                handler.OnData(
                    _frame.StreamId,
                    _frame.PayloadLength,
                    isUseless: _left == _padding && !_frame.Has(FrameHeader.EndStream));
                if (padded)
                {
                    handler.OnPadding(_frame.StreamId, _padding + 1);
                }

                break;
            case FrameType.Headers:
                _headersStream = _frame.StreamId;
                _continuations = 0;
                handler.OnHeaders(_frame.StreamId, _frame.Has(FrameHeader.EndStream));
                break;
            case FrameType.GoAway:
                handler.OnGoAway(
                    BinaryPrimitives.ReadInt32BigEndian(start) & int.MaxValue,
                    (Http2ErrorCode)BinaryPrimitives.ReadInt32BigEndian(start[4..]));
                break;
        }

        return length;
    }

    private void End()
    {
        _inFrame = false;
        switch (_frame.Type)
        {
            case FrameType.Data when _frame.Has(FrameHeader.EndStream):
                handler.OnEndStream(_frame.StreamId);
                break;
            case FrameType.Headers or FrameType.Continuation when _frame.Has(FrameHeader.EndHeaders):
                _headersStream = 0;
                handler.OnHeadersEnd(_frame.StreamId);
                break;
        }
    }

    private void Dispatch(ReadOnlySpan<byte> payload)
    {
        switch (_frame.Type)
        {
            case FrameType.RstStream:
                handler.OnReset(_frame.StreamId, (Http2ErrorCode)BinaryPrimitives.ReadInt32BigEndian(payload));
                break;
            case FrameType.Settings when _frame.Has(FrameHeader.Ack):
                handler.OnSettingsAck();
                break;
            case FrameType.Settings:
                handler.OnSettings(payload);
                break;
            case FrameType.Ping:
                handler.OnPing(payload, _frame.Has(FrameHeader.Ack));
                break;
            case FrameType.WindowUpdate:
                handler.OnWindowUpdate(_frame.StreamId, BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue);
                break;
        }
    }

    private int Skip(int available)
    {
        var skipped = Math.Min(available, _left);
        _left -= skipped;
        _inFrame = _left > 0;
        return skipped;
    }

    private static void CheckStream(FrameHeader frame)
    {
        var legal = frame.Type switch
        {
            FrameType.Data or FrameType.Headers or FrameType.Priority or FrameType.RstStream => frame.StreamId != 0,
            FrameType.Settings or FrameType.Ping or FrameType.GoAway => frame.StreamId == 0,
            FrameType.PushPromise => false,
            _ => true,
        };
        if (!legal)
        {
            throw ProtocolError($"{frame.Type} on stream {frame.StreamId}");
        }
    }

    private void CheckLength(FrameHeader frame)
    {
        var legal = frame.Type switch
        {
            FrameType.RstStream or FrameType.WindowUpdate => frame.PayloadLength == 4,
            FrameType.Priority => frame.PayloadLength == 5,
            FrameType.Ping => frame.PayloadLength == 8,
            FrameType.GoAway => frame.PayloadLength >= 8,
            FrameType.Settings when frame.Has(FrameHeader.Ack) => frame.PayloadLength == 0,
            _ => true,
        };
        if (!legal)
        {
            throw SizeError(frame, "has the wrong length");
        }

        if (frame.Type == FrameType.Settings && frame.PayloadLength > MaxWholePayload)
        {
            throw new Http2ConnectionException(
                Http2ErrorCode.EnhanceYourCalm, $"SETTINGS of {frame.PayloadLength} octets");
        }

        if (frame.Type == FrameType.Continuation)
        {
            if (_headersStream == 0)
            {
                throw ProtocolError($"CONTINUATION on stream {frame.StreamId} without a header block");
            }

            if (++_continuations > MaxContinuations)
            {
                throw new Http2ConnectionException(
                    Http2ErrorCode.EnhanceYourCalm, $"header block in more than {MaxContinuations} frames");
            }
        }
    }

    private static Http2ConnectionException ProtocolError(string message) =>
        new(Http2ErrorCode.ProtocolError, message);

    private static Http2ConnectionException SizeError(FrameHeader frame, string problem) =>
        new(Http2ErrorCode.FrameSizeError, $"{frame.Type} of {frame.PayloadLength} octets {problem}");
}
