namespace Ztunnel.Xds;

/// <summary>
/// How long to wait before the next stream: doubling from 10 ms to 15 s, each wait a random part between half and all
/// of it, so that the nodes of a mesh do not come back to a restarted istiod in one moment. Not thread-safe.
/// </summary>
internal sealed class Backoff(Random random)
{
    /// <summary>Wait after a stream that was in order.</summary>
    public static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);

    /// <summary>Longest wait.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(15);

    private TimeSpan _current = Least;

    /// <summary>The wait after a stream that ended like this.</summary>
    public TimeSpan Next(StreamEnd end)
    {
        _current = end is StreamEnd.Reconnect or StreamEnd.Complete
            ? Least
            : TimeSpan.FromTicks(Math.Min(Most.Ticks, _current.Ticks * 2));
        return _current * (0.5 + (random.NextDouble() / 2));
    }
}
