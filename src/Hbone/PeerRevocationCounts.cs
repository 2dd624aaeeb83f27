namespace Hbone;

/// <summary>What revocation has done to the connections of one direction since the start.</summary>
public sealed class PeerRevocationCounts
{
    private long _rejected;
    private long _untracked;

    /// <summary>Connections refused in the handshake or ended while they lived, each once.</summary>
    public long Rejected => Volatile.Read(ref _rejected);

    /// <summary>Connections that a later list cannot end, because the peer's chain is not known.</summary>
    public long Untracked => Volatile.Read(ref _untracked);

    internal void AddRejected() => Interlocked.Increment(ref _rejected);

    internal void AddUntracked() => Interlocked.Increment(ref _untracked);
}
