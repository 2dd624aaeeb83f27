namespace Hbone.Memory;

/// <summary>
/// Bytes that payload buffers may take: of the process, of one pod in it, of one connection of that pod. A charge goes up
/// to the parent, so that its figure is the sum of its children's. Any thread.
/// </summary>
/// <remarks>
/// Nothing here refuses. Whoever reads from a peer asks <see cref="IsTight"/> and lets the peer send less, and asks
/// <see cref="IsOverShare"/> and ends the stream that holds most.
/// </remarks>
public sealed class MemoryBudget
{
    private readonly MemoryBudget? _parent;
    private bool _isConnection;
    private long _used;
    private long _peak;
    private long _shed;
    private int _connections;

    /// <summary>Creates an empty budget.</summary>
    /// <param name="limit">Bytes; positive.</param>
    /// <param name="parent">What the bytes also count against; null at the top.</param>
    public MemoryBudget(long limit, MemoryBudget? parent = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        Limit = limit;
        _parent = parent;
    }

    /// <summary>Bytes that may be used.</summary>
    public long Limit { get; }

    /// <summary>Bytes in use now.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>Most bytes that were in use at once.</summary>
    public long Peak => Volatile.Read(ref _peak);

    /// <summary>Streams that were ended because the budget was used up.</summary>
    public long Shed => Volatile.Read(ref _shed);

    /// <summary>Connections that share it.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>So much is used, here or above, that peers are to send less: half, or a quarter of a connection's.</summary>
    public bool IsTight => Used > TightAt || _parent is { IsTight: true };

    // A connection's own budget has no connections below it. It tightens early, because what the peer has in flight when
    // it is told to slow down still has to fit.
    private long TightAt => _isConnection ? Limit / 4 : Limit / 2;

    /// <summary>The budget of one more connection; end it with <see cref="CloseConnection"/>.</summary>
    /// <param name="limit">Bytes of that connection.</param>
    public MemoryBudget OpenConnection(long limit)
    {
        AddConnections(1);
        return new MemoryBudget(limit, this) { _isConnection = true };
    }

    /// <summary>The connection is over. What it still lends goes on counting until it is given back.</summary>
    public void CloseConnection() => _parent?.AddConnections(-1);

    /// <summary>
    /// Whether something is used up, here or above, and so many bytes are more than a connection's equal part of it. When a
    /// budget is used up, at least one connection is over its share.
    /// </summary>
    /// <param name="bytes">What one connection holds.</param>
    public bool IsOverShare(long bytes)
    {
        for (var budget = this; budget is not null; budget = budget._parent)
        {
            if (budget.Used > budget.Limit && bytes > budget.Limit / Math.Max(1, budget.Connections))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Counts bytes that were rented.</summary>
    public void Charge(long bytes)
    {
        for (var budget = this; budget is not null; budget = budget._parent)
        {
            var used = Interlocked.Add(ref budget._used, bytes);
            if (used > Volatile.Read(ref budget._peak))
            {
                Volatile.Write(ref budget._peak, used); // a gauge: the last of two racing writers may be the smaller
            }
        }
    }

    /// <summary>Counts bytes that were given back.</summary>
    public void Release(long bytes)
    {
        for (var budget = this; budget is not null; budget = budget._parent)
        {
            Interlocked.Add(ref budget._used, -bytes);
        }
    }

    /// <summary>Counts a stream that was ended for want of memory.</summary>
    internal void CountShed()
    {
        for (var budget = this; budget is not null; budget = budget._parent)
        {
            Interlocked.Increment(ref budget._shed);
        }
    }

    private void AddConnections(int change)
    {
        for (var budget = this; budget is not null; budget = budget._parent)
        {
            Interlocked.Add(ref budget._connections, change);
        }
    }
}
