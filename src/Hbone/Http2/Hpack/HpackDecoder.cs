using System.Buffers;
using System.Text;

namespace Hbone.Http2.Hpack;

/// <summary>
/// Turns the header blocks of one connection's peer into fields, in the order of arrival (RFC 7541 section 3). Belongs
/// to the loop that reads the connection. A block costs time in proportion to its octets and memory in proportion to
/// the two limits, whatever it claims.
/// </summary>
internal sealed class HpackDecoder
{
    private const int StackScratch = 256;

    private readonly int _maxHeaderListSize;
    private readonly DynamicTable _table;
    private int _maxDynamicTableSize;

    // Smallest limit since the last block, if it is below what the encoder last used: the encoder must answer (4.2).
    private int? _requiredTableSize;

    /// <summary>Starts with an empty table.</summary>
    /// <param name="maxDynamicTableSize">
    /// SETTINGS_HEADER_TABLE_SIZE in force, octets. Until the peer has acknowledged another value this is
    /// <see cref="DynamicTable.DefaultMaxSize"/>; tell it by <see cref="SetMaxDynamicTableSize"/> then.
    /// </param>
    /// <param name="maxHeaderListSize">SETTINGS_MAX_HEADER_LIST_SIZE that was announced, octets.</param>
    public HpackDecoder(int maxDynamicTableSize, int maxHeaderListSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDynamicTableSize);
        ArgumentOutOfRangeException.ThrowIfNegative(maxHeaderListSize);
        _maxDynamicTableSize = maxDynamicTableSize;
        _maxHeaderListSize = maxHeaderListSize;

        // A peer uses more than the default only after saying so in a size update.
        _table = new DynamicTable(Math.Min(maxDynamicTableSize, DynamicTable.DefaultMaxSize));
    }

    /// <summary>Puts a new SETTINGS_HEADER_TABLE_SIZE in force, when the peer has acknowledged it.</summary>
    public void SetMaxDynamicTableSize(int maxDynamicTableSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxDynamicTableSize);
        _maxDynamicTableSize = maxDynamicTableSize;
        if (maxDynamicTableSize < (_requiredTableSize ?? _table.MaxSize))
        {
            _requiredTableSize = maxDynamicTableSize;
        }
    }

    /// <summary>Decodes a whole header block; as below.</summary>
    public HpackDecodeResult Decode(in ReadOnlySequence<byte> block, List<HeaderField> into)
    {
        if (block.IsSingleSegment)
        {
            return Decode(block.FirstSpan, into);
        }

        var length = checked((int)block.Length);
        var whole = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            block.CopyTo(whole);
            return Decode(whole.AsSpan(0, length), into);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(whole);
        }
    }

    /// <summary>Decodes a whole header block, HEADERS and every CONTINUATION after it, and appends its fields.</summary>
    /// <exception cref="HpackException">The block is broken; the decoder is of no use afterwards.</exception>
    public HpackDecodeResult Decode(ReadOnlySpan<byte> block, List<HeaderField> into)
    {
        var reader = new HpackReader(block);
        ReadTableSizeUpdates(ref reader);

        // What the list may still come to; negative once it was too large, and nothing is collected from then on.
        var room = _maxHeaderListSize;
        while (!reader.IsAtEnd)
        {
            var size = ReadField(ref reader, room, out var field);
            room = room < 0 || size > room ? -1 : room - size;
            if (room >= 0)
            {
                into.Add(field);
            }
        }

        return room < 0 ? HpackDecodeResult.HeaderListTooLarge : HpackDecodeResult.Complete;
    }

    private void ReadTableSizeUpdates(ref HpackReader reader)
    {
        while (!reader.IsAtEnd && FieldRepresentation.StartedBy(reader.Peek()) == FieldRepresentation.TableSizeUpdate)
        {
            var size = reader.ReadInteger(FieldRepresentation.TableSizeUpdate.PrefixBits);
            var limit = _requiredTableSize ?? _maxDynamicTableSize;
            if (size > limit)
            {
                throw new HpackException($"dynamic table size update to {size}, but at most {limit} is allowed");
            }

            _requiredTableSize = null;
            _table.Resize(size);
        }

        if (_requiredTableSize is { } required)
        {
            throw new HpackException($"dynamic table size update to at most {required} is missing");
        }
    }

    // Reads one field and returns its size. Its strings are real if it fits into the room; if not, they may be empty.
    private int ReadField(ref HpackReader reader, int room, out HeaderField field)
    {
        var representation = FieldRepresentation.StartedBy(reader.Peek());
        if (representation == FieldRepresentation.TableSizeUpdate)
        {
            throw new HpackException("dynamic table size update after the start of a header block");
        }

        var index = reader.ReadInteger(representation.PrefixBits);
        if (representation == FieldRepresentation.Indexed)
        {
            field = Lookup(index);
            return field.Size;
        }

        // A string is built only if it may be handed out or goes into the table; the rest is checked and counted.
        var isIndexed = representation == FieldRepresentation.LiteralWithIndexing;
        var longest = Math.Max(room, isIndexed ? _table.MaxSize : 0);
        var name = index == 0
            ? ReadLiteral(ref reader, longest, HeaderNames.Intern, out var nameLength)
            : NameAt(index, out nameLength);
        var value = ReadLiteral(ref reader, longest, ToText, out var valueLength);

        field = new HeaderField(name, value, representation == FieldRepresentation.LiteralNeverIndexed);
        var size = SizeOf(nameLength, valueLength);
        if (isIndexed)
        {
            if (size > _table.MaxSize)
            {
                _table.Clear();
            }
            else
            {
                _table.Add(field);
            }
        }

        return size;
    }

    private static int SizeOf(int nameLength, int valueLength) =>
        (int)Math.Min((long)nameLength + valueLength + HeaderField.Overhead, int.MaxValue);

    private string NameAt(int index, out int length)
    {
        var name = Lookup(index).Name;
        length = name.Length;
        return name;
    }

    private HeaderField Lookup(int index)
    {
        if (index == 0)
        {
            throw new HpackException("index 0 stands for no entry");
        }

        if (index <= StaticTable.Count)
        {
            return StaticTable.At(index);
        }

        return index - StaticTable.Count <= _table.Count
            ? _table.At(index - StaticTable.Count)
            : throw new HpackException(
                $"index {index} is beyond the {StaticTable.Count} static and {_table.Count} dynamic entries");
    }

    private static string ToText(ReadOnlySpan<byte> octets) => Encoding.Latin1.GetString(octets);

    // Reads a string literal; one that is longer than wanted is checked, counted and comes out empty.
    private static string ReadLiteral(ref HpackReader reader, int longest, Build build, out int length)
    {
        var encoded = reader.ReadString(out var isHuffman);
        if (!isHuffman)
        {
            length = encoded.Length;
            return length <= longest ? build(encoded) : "";
        }

        var scratchLength = Math.Min(Huffman.MaxDecodedLength(encoded.Length), longest);
        var rented = scratchLength > StackScratch ? ArrayPool<byte>.Shared.Rent(scratchLength) : null;
        try
        {
            var scratch = rented is null ? stackalloc byte[StackScratch] : rented;
            length = Huffman.Decode(encoded, scratch);
            return length <= longest ? build(scratch[..length]) : "";
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private delegate string Build(ReadOnlySpan<byte> octets);
}
