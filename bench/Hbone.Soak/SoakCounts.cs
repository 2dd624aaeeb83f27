namespace Hbone.Soak;

/// <summary>What the peers of a soak have seen.</summary>
internal sealed class SoakCounts
{
    private long _tunnels;
    private long _bytes;
    private long _damaged;
    private long _attacks;
    private long _lost;

    public long Tunnels => Volatile.Read(ref _tunnels);

    public long Bytes => Volatile.Read(ref _bytes);

    public long Damaged => Volatile.Read(ref _damaged);

    public long Attacks => Volatile.Read(ref _attacks);

    public long Lost => Volatile.Read(ref _lost);

    /// <summary>A tunnel was played to its end and every byte was compared.</summary>
    public void Played(long bytes, bool damaged)
    {
        Interlocked.Increment(ref _tunnels);
        Interlocked.Add(ref _bytes, bytes);
        if (damaged)
        {
            Interlocked.Increment(ref _damaged);
        }
    }

    /// <summary>A good tunnel ended before it was played.</summary>
    public void LostOne() => Interlocked.Increment(ref _lost);

    /// <summary>A hostile peer has done its worst once.</summary>
    public void Attacked() => Interlocked.Increment(ref _attacks);
}
