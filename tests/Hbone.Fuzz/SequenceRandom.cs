namespace Hbone.Fuzz;

/// <summary>
/// Numbers that are the same on every machine and version for the same start (SplitMix64), so that a seed or an input
/// means the same run everywhere.
/// </summary>
internal struct SequenceRandom(ulong start)
{
    private ulong _state = start;

    /// <summary>Of an input: what is decided beside it follows from its octets (FNV-1a).</summary>
    public static SequenceRandom Of(ReadOnlySpan<byte> input)
    {
        var hash = 14_695_981_039_346_656_037UL;
        foreach (var octet in input)
        {
            hash = (hash ^ octet) * 1_099_511_628_211UL;
        }

        return new SequenceRandom(hash);
    }

    public ulong NextBits()
    {
        _state += 0x9e3779b97f4a7c15UL;
        var mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9UL;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebUL;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>At least 0 and below the limit, which is above 0.</summary>
    public int Next(int limit) => (int)(NextBits() % (ulong)limit);

    /// <summary>True once in so many times.</summary>
    public bool OneIn(int times) => Next(times) == 0;
}
