namespace Hbone.Http2.Hpack;

/// <summary>
/// The fields that both ends remember from earlier blocks, first in first out (RFC 7541 sections 2.3.2 and 4). One end
/// of one direction owns it; not thread-safe.
/// </summary>
internal sealed class DynamicTable
{
    /// <summary>SETTINGS_HEADER_TABLE_SIZE before anybody says otherwise (RFC 9113 section 6.5.2), octets.</summary>
    public const int DefaultMaxSize = 4_096;

    private const int InitialCapacity = 8;

    // A ring: the newest entry is at _newest, older ones follow at rising places. The capacity is a power of two and
    // grows with what is really in the table, because most connections carry few distinct fields.
    private HeaderField[] _ring = [];
    private int _newest;

    public DynamicTable(int maxSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxSize);
        MaxSize = maxSize;
    }

    /// <summary>What the entries may come to, octets.</summary>
    public int MaxSize { get; private set; }

    /// <summary>What the entries come to, octets.</summary>
    public int Size { get; private set; }

    /// <summary>Number of entries.</summary>
    public int Count { get; private set; }

    /// <summary>The entry of an index from 1, the newest, to <see cref="Count"/>.</summary>
    public ref readonly HeaderField At(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(index, Count);
        return ref Slot(index - 1);
    }

    /// <summary>Makes room from the oldest end and adds; a field larger than the table only empties it (4.4).</summary>
    public void Add(in HeaderField field)
    {
        var size = field.Size;
        if (size > MaxSize)
        {
            Clear();
            return;
        }

        EvictDownTo(MaxSize - size);
        if (Count == _ring.Length)
        {
            Grow();
        }

        _newest = (_newest - 1) & (_ring.Length - 1);
        _ring[_newest] = field;
        Count++;
        Size += size;
    }

    /// <summary>Evicts everything, which is what adding a field larger than the table comes to.</summary>
    public void Clear() => EvictDownTo(0);

    /// <summary>Changes the maximum and evicts what no longer fits (4.3).</summary>
    public void Resize(int maxSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxSize);
        MaxSize = maxSize;
        EvictDownTo(maxSize);
    }

    /// <summary>The newest entry equal to a field, or else the newest with its name, or else none.</summary>
    /// <remarks>
    /// A scan: 4096 octets hold at most 128 entries and some 40 of ours, most of which differ in length or are the very
    /// same string, so that a look costs less than keeping a hash table right on every eviction.
    /// </remarks>
    public TableMatch Find(in HeaderField field)
    {
        var sameName = 0;
        for (var age = 0; age < Count; age++)
        {
            ref readonly var entry = ref Slot(age);
            if (entry.Name != field.Name)
            {
                continue;
            }

            if (entry.Value == field.Value)
            {
                return new TableMatch(age + 1, IncludesValue: true);
            }

            sameName = sameName == 0 ? age + 1 : sameName;
        }

        return new TableMatch(sameName, IncludesValue: false);
    }

    private ref HeaderField Slot(int age) => ref _ring[(_newest + age) & (_ring.Length - 1)];

    private void EvictDownTo(int size)
    {
        while (Size > size)
        {
            ref var oldest = ref Slot(Count - 1);
            Size -= oldest.Size;
            oldest = default; // lets the strings go
            Count--;
        }
    }

    private void Grow()
    {
        var larger = new HeaderField[Math.Max(InitialCapacity, _ring.Length * 2)];
        for (var age = 0; age < Count; age++)
        {
            larger[age] = Slot(age);
        }

        _ring = larger;
        _newest = 0;
    }
}
