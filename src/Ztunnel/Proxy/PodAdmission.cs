namespace Ztunnel.Proxy;

/// <summary>
/// How many connections one pod may hold and how many may begin in a second, so that it leaves descriptors and time to the
/// others. Any thread.
/// </summary>
/// <param name="mostConnections">Connections at once; 0 for no limit.</param>
/// <param name="mostPerSecond">New connections a second, with as many at once after a quiet second; 0 for no limit.</param>
/// <param name="time">Clock of the second.</param>
internal sealed class PodAdmission(int mostConnections, int mostPerSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _tokens = mostPerSecond;
    private long _filledAt = time.GetTimestamp();
    private long _reportedAt;
    private bool _reported;
    private long _refused;

    /// <summary>Connections that were refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Asks for one more.</summary>
    /// <param name="connections">How many there are.</param>
    /// <returns>Null when it may begin, else the setting that forbids it.</returns>
    public string? Refusal(int connections)
    {
        if (mostConnections > 0 && connections >= mostConnections)
        {
            Interlocked.Increment(ref _refused);
            return $"{connections} are open (POD_MAX_CONNECTIONS)";
        }

        if (mostPerSecond > 0 && !TryTakeToken())
        {
            Interlocked.Increment(ref _refused);
            return $"more than {mostPerSecond} a second (POD_MAX_CONNECTION_RATE)";
        }

        return null;
    }

    /// <summary>True at most once a second: one line is enough for a flood.</summary>
    public bool MayReport()
    {
        lock (_gate)
        {
            if (_reported && time.GetElapsedTime(_reportedAt) < TimeSpan.FromSeconds(1))
            {
                return false;
            }

            _reported = true;
            _reportedAt = time.GetTimestamp();
            return true;
        }
    }

    private bool TryTakeToken()
    {
        lock (_gate)
        {
            var elapsed = time.GetElapsedTime(_filledAt).TotalSeconds;
            _filledAt = time.GetTimestamp();
            _tokens = Math.Min(mostPerSecond, _tokens + (elapsed * mostPerSecond));
            if (_tokens < 1)
            {
                return false;
            }

            _tokens--;
            return true;
        }
    }
}
