namespace Ztunnel;

/// <summary>
/// How long a listener waits when the system fails it, being out of descriptors or memory: doubling from 10 ms to 1 s. Not
/// thread-safe.
/// </summary>
internal sealed class ListenerDelay
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    private TimeSpan _next = First;

    /// <summary>Whether the next wait begins a row, which is the one to log.</summary>
    public bool IsFirst => _next == First;

    /// <summary>The wait after one more failure.</summary>
    public TimeSpan Next()
    {
        var delay = _next;
        _next = delay * 2 < Longest ? delay * 2 : Longest;
        return delay;
    }

    /// <summary>Ends the row: the listener works.</summary>
    public void Reset() => _next = First;
}
