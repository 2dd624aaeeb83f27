namespace Hbone.Http2;

/// <summary>What is looked after every ten seconds, beside the PING: called by the keep-alive's timer.</summary>
public sealed partial class Http2Connection
{
    // Streams that wait for a peer which grants no byte of credit to anybody: fewer can be readers that pause.
    private const int HoardedStreams = 100;

    private const int TicksOfHoarding = 30;
    private const int TicksOfHeaderBlock = 2;

    private bool _creditSeen;
    private int _ticksWithoutCredit;
    private int _ticksInHeaderBlock;

    private void OnTick()
    {
        List<Action> checks = [];
        Http2ConnectionException? abuse;
        lock (Gate)
        {
            if (_failure is not null)
            {
                return;
            }

            abuse = LookForAbuse(CollectStalled(checks));
        }

        foreach (var check in checks)
        {
            check();
        }

        if (abuse is not null)
        {
            Abort(abuse, Farewell.Brief);
        }
    }

    private int CollectStalled(List<Action> checks)
    {
        var stalled = 0;
        foreach (var stream in _streams.Values)
        {
            if (stream.IsStalled)
            {
                stalled++;
                if (stream.CheckStalled is { } check)
                {
                    checks.Add(check);
                }
            }
        }

        return stalled;
    }

    private Http2ConnectionException? LookForAbuse(int stalled)
    {
        _ticksWithoutCredit = stalled >= HoardedStreams && !_creditSeen ? _ticksWithoutCredit + 1 : 0;
        _creditSeen = false;
        _ticksInHeaderBlock = _frames.IsInsideHeaderBlock ? _ticksInHeaderBlock + 1 : 0;
        if (_ticksWithoutCredit >= TicksOfHoarding)
        {
            return new Http2ConnectionException(
                Http2ErrorCode.EnhanceYourCalm, $"{stalled} streams wait, and no window was opened for 5 minutes");
        }

        return _ticksInHeaderBlock > TicksOfHeaderBlock
            ? new Http2ConnectionException(Http2ErrorCode.EnhanceYourCalm, "header block not ended within 20 s")
            : null;
    }
}
