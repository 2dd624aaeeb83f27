namespace Ztunnel.Telemetry;

/// <summary>
/// Tells of one connection again and again while it is open. Nothing is told once <see cref="Dispose"/> has returned, so that
/// the end of a connection is its last line.
/// </summary>
internal sealed class ConnectionProgress : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Action _tell;
    private readonly ITimer _timer;
    private bool _ended;

    /// <param name="interval">Time from the opening to the first line and between two lines; positive.</param>
    /// <param name="time">Clock of the interval.</param>
    /// <param name="tell">Writes a line; must not block.</param>
    public ConnectionProgress(TimeSpan interval, TimeProvider time, Action tell)
    {
        _tell = tell;
        _timer = time.CreateTimer(
            static progress => ((ConnectionProgress)progress!).Tell(), this, interval, interval);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _ended = true;
        }

        _timer.Dispose();
    }

    private void Tell()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                _tell();
            }
        }
    }
}
