namespace Hbone.Soak;

/// <summary>What the peers of a soak have seen.</summary>
internal sealed class SoakCounts
{
    private long _tunnels;
    private long _bytes;
    private long _damaged;
    private long _attacks;
    private long _lost;
    private long _cut;
    private string? _firstCut;

    public long Tunnels => Volatile.Read(ref _tunnels);

    public long Bytes => Volatile.Read(ref _bytes);

    public long Damaged => Volatile.Read(ref _damaged);

    public long Attacks => Volatile.Read(ref _attacks);

    public long Lost => Volatile.Read(ref _lost);

    public long Cut => Volatile.Read(ref _cut);

    /// <summary>How the first tunnel ended that was cut; null while none was.</summary>
    public string? FirstCut => Volatile.Read(ref _firstCut);

    /// <summary>Every byte of a tunnel was compared.</summary>
    public void Played(long bytes, bool damaged)
    {
        Interlocked.Increment(ref _tunnels);
        Interlocked.Add(ref _bytes, bytes);
        if (damaged)
        {
            Interlocked.Increment(ref _damaged);
        }
    }

    /// <summary>A good tunnel ended without all its bytes, or without an orderly end.</summary>
    public void CutOne(string how)
    {
        Interlocked.Increment(ref _cut);
        Interlocked.CompareExchange(ref _firstCut, how, null);
        Console.Error.WriteLine(how);
    }

    /// <summary>A good tunnel ended before it was played.</summary>
    public void LostOne() => Interlocked.Increment(ref _lost);

    /// <summary>A hostile peer has done its worst once.</summary>
    public void Attacked() => Interlocked.Increment(ref _attacks);
}
