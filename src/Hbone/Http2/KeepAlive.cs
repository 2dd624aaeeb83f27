namespace Hbone.Http2;

/// <summary>
/// Finds out that a silent peer is dead: after 10 to 20 s without a byte from it a PING (RFC 9113 section 6.7), and if
/// 20 s later nothing at all has come, it is given up. Any byte counts as life.
/// </summary>
internal sealed class KeepAlive : IAsyncDisposable
{
    private const int SilentTicksAllowed = 3;
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    private readonly ITimer _timer;
    private readonly Action _ping;
    private readonly Action _timedOut;
    private readonly Action _tick;

    // Written by the read loop, read and cleared by the timer.
    private volatile bool _heard;
    private int _silentTicks;

    /// <summary>Starts to watch.</summary>
    /// <param name="time">Clock.</param>
    /// <param name="ping">Sends a PING.</param>
    /// <param name="timedOut">Ends the connection.</param>
    /// <param name="tick">Called every 10 s besides, for what else has to be looked after.</param>
    public KeepAlive(TimeProvider time, Action ping, Action timedOut, Action tick)
    {
        _ping = ping;
        _timedOut = timedOut;
        _tick = tick;
        _timer = time.CreateTimer(static state => ((KeepAlive)state!).OnTick(), this, Tick, Tick);
    }

    /// <summary>Something came from the peer.</summary>
    public void Heard()
    {
        if (!_heard)
        {
            _heard = true;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void OnTick()
    {
        _tick();
        if (_heard)
        {
            _heard = false;
            _silentTicks = 0;
            return;
        }

        _silentTicks++;
        if (_silentTicks == 1)
        {
            _ping();
        }
        else if (_silentTicks >= SilentTicksAllowed)
        {
            _timedOut();
        }
    }
}
