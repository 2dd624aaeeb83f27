namespace Hbone.Http2;

/// <summary>
/// What the peer may send (RFC 9113 section 5.2), and what of it may be in memory. Called under the gate.
/// </summary>
/// <remarks>
/// The connection's credit returns on receipt, so that a stalled stream does not stall its neighbours; a stream's returns
/// when its reader has taken the bytes. What is held and what may still come together never exceed the connection's
/// memory. Long before that, windows that were offered generously are taken back (section 6.9.2), and from then on a
/// stream's window starts small and doubles as long as its reader keeps up.
/// </remarks>
public sealed partial class Http2Connection
{
    // What a stream gets at most, and at least, when memory is tight: enough to see whether its reader keeps up.
    private const int NarrowStreamWindow = 64 * 1024;
    private const int SmallestStreamWindow = 4 * 1024;

    // What a stream keeps whose reader is known to keep up.
    private const int KeepingUpWindow = 1024 * 1024;

    // Shorter updates of the connection's window are not worth a frame. Never more than half of the reserve, or a
    // connection full of stalled streams would get none at all.
    private const int WorthUpdating = 256 * 1024;

    private int _receiveWindow;
    private int _unacknowledged;
    private int _streamWindow;
    private bool _isNarrow;
    private int _pendingShrink;
    private int _settingsUnacknowledged;

    // What stalled streams may not use up: beyond, the one that holds most is ended, so that the others can go on.
    private int Reserve => _role.Options.ConnectionMemory / 16;

    private void ReceiveOnConnection(int length)
    {
        _receiveWindow -= length;
        if (_receiveWindow < 0)
        {
            throw new Http2ConnectionException(Http2ErrorCode.FlowControlError, "DATA beyond the connection's window");
        }

        _unacknowledged += length;
        NarrowIfTight();
        ReturnConnectionCredit();
    }

    private void ReturnConnectionCredit()
    {
        var window = _role.Options.OfferedConnectionWindow;
        if (_unacknowledged < window / 2)
        {
            return;
        }

        // While readers stall, half of what is left stays in reserve, or the last of it would go to those who stall next.
        var left = _role.Options.ConnectionMemory - _memory.Used;
        var room = (_isNarrow ? left / 2 : left) - _receiveWindow;
        var credit = (int)Math.Min(_unacknowledged, Math.Max(0, room));
        if (credit == _unacknowledged || credit >= Math.Min(WorthUpdating, Reserve / 4))
        {
            _writes.Append(FrameType.WindowUpdate, 0, credit);
            _receiveWindow += credit;
            _unacknowledged -= credit;
        }
    }

    private Http2Stream NewStream(int id, bool ours, Action? closed = null)
    {
        // The peer may have opened its stream before it read the SETTINGS that narrow our windows.
        var pending = ours ? 0 : _pendingShrink;
        return new Http2Stream(this, id, _peer.InitialWindowSize, _streamWindow + pending)
        {
            Closed = closed,
            TargetWindow = _streamWindow,
            PendingShrink = pending,
        };
    }

    // Costs the peer a look at every stream, so seldom: once when memory gets tight, and again when there are many more
    // streams than then.
    private void NarrowIfTight()
    {
        if (_pendingShrink > 0 || !_memory.IsTight)
        {
            return;
        }

        // Every doubling of the number of streams may cost this much once more, so it is little.
        var share = _role.Options.ConnectionMemory / 32 / Math.Max(1, _streams.Count);
        var narrow = Math.Clamp(share, SmallestStreamWindow, NarrowStreamWindow);
        if (_streamWindow > narrow * 2)
        {
            Narrow(_streamWindow - narrow);
        }
    }

    private void Narrow(int shrink)
    {
        _isNarrow = true;
        _streamWindow -= shrink;
        _pendingShrink = shrink;
        Span<byte> payload = stackalloc byte[6];
        WriteSetting(payload, SettingId.InitialWindowSize, _streamWindow);
        AppendSettings(payload);
        foreach (var stream in _streams.Values)
        {
            stream.PendingShrink = shrink;
            stream.TargetWindow = stream.Buffered == 0
                ? Math.Min(stream.TargetWindow, KeepingUpWindow)
                : Math.Min(stream.TargetWindow, _streamWindow);
            ReturnStreamCredit(stream);
        }
    }

    // Section 6.9.2: from here on the peer keeps to the window that it was told.
    private void ApplyNarrowing()
    {
        if (_pendingShrink == 0 || _settingsUnacknowledged > 0)
        {
            return;
        }

        _pendingShrink = 0;
        foreach (var stream in _streams.Values)
        {
            stream.ReceiveWindow -= stream.PendingShrink;
            stream.PendingShrink = 0;
        }
    }

    // The reader has taken payload, or it was padding.
    private void Acknowledge(Http2Stream stream, int length)
    {
        stream.Buffered = Math.Max(0, stream.Buffered - length);
        if (_isNarrow)
        {
            Adapt(stream);
        }

        ReturnStreamCredit(stream);
    }

    private void Adapt(Http2Stream stream)
    {
        if (stream.Buffered == 0 && _memory.Used < _memory.Limit / 2)
        {
            stream.TargetWindow = Math.Min(stream.TargetWindow * 2, _role.Options.StreamWindowSize);
        }
        else if (stream.Buffered > stream.TargetWindow / 2)
        {
            stream.TargetWindow = Math.Max(stream.TargetWindow / 2, _streamWindow);
        }
    }

    private void ReturnStreamCredit(Http2Stream stream)
    {
        var credit = stream.TargetWindow - stream.Buffered - (stream.ReceiveWindow - stream.PendingShrink);
        if (credit > 0 && credit >= stream.TargetWindow / 2 && !stream.RemoteEnded)
        {
            _writes.Append(FrameType.WindowUpdate, stream.Id, credit);
            stream.ReceiveWindow += credit;
        }
    }

    // The last resort, for a peer that does not keep to what it was told, or a whole node that is short of memory.
    private void ShedIfExhausted()
    {
        while (_memory.IsOverShare(_memory.Used) && _streams.Values.MaxBy(s => s.Buffered) is { Buffered: > 0 } largest)
        {
            _memory.CountShed();
            FailStream(
                largest, Http2ErrorCode.EnhanceYourCalm, $"{largest.Buffered} bytes that nobody reads, and memory is used up");
        }
    }
}
