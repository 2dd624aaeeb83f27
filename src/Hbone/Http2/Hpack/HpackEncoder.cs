using System.Buffers;

namespace Hbone.Http2.Hpack;

/// <summary>
/// Turns fields into the header blocks of one connection, in the order of sending (RFC 7541 section 3). Belongs to the
/// loop that writes the connection: a block that was encoded must be sent, or the peer's table is out of step.
/// </summary>
internal sealed class HpackEncoder
{
    // A field that fills more than three quarters of the table would push out everything that pays off.
    private const int LargestIndexedNumerator = 3;
    private const int LargestIndexedDenominator = 4;

    private readonly DynamicTable _table = new(DynamicTable.DefaultMaxSize);

    // Smallest maximum since the last block, which the peer must be told of before the present one (section 4.2).
    private int? _smallestUntoldSize;

    /// <summary>
    /// Obeys the peer's SETTINGS_HEADER_TABLE_SIZE; the next block starts with the size updates that this needs. More
    /// than <see cref="DynamicTable.DefaultMaxSize"/> is never used, however much the peer allows.
    /// </summary>
    /// <param name="peerLimit">What the peer announced, octets; 2^31-1 if it announced even more.</param>
    public void SetMaxDynamicTableSize(int peerLimit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(peerLimit);
        var size = Math.Min(peerLimit, DynamicTable.DefaultMaxSize);
        if (size != _table.MaxSize)
        {
            _smallestUntoldSize = Math.Min(size, _smallestUntoldSize ?? _table.MaxSize);
            _table.Resize(size);
        }
    }

    /// <summary>Encodes one header list as a whole block.</summary>
    /// <exception cref="ArgumentException">
    /// A character above U+00FF. It is found before anything is written, so the encoder stays in step.
    /// </exception>
    public void Encode(ReadOnlySpan<HeaderField> fields, IBufferWriter<byte> output)
    {
        foreach (ref readonly var field in fields)
        {
            ThrowIfNotOctets(field.Name);
            ThrowIfNotOctets(field.Value);
        }

        WriteTableSizeUpdates(output);
        foreach (ref readonly var field in fields)
        {
            WriteField(field, output);
        }
    }

    private static void ThrowIfNotOctets(string text)
    {
        if (text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'))
        {
            throw new ArgumentException("a header name or value holds a character above U+00FF, which is no octet");
        }
    }

    private void WriteTableSizeUpdates(IBufferWriter<byte> output)
    {
        if (_smallestUntoldSize is not { } smallest)
        {
            return;
        }

        if (smallest < _table.MaxSize)
        {
            HpackWriter.WriteInteger(FieldRepresentation.TableSizeUpdate, smallest, output);
        }

        HpackWriter.WriteInteger(FieldRepresentation.TableSizeUpdate, _table.MaxSize, output);
        _smallestUntoldSize = null;
    }

    private void WriteField(in HeaderField field, IBufferWriter<byte> output)
    {
        var match = Find(field);
        if (match.IncludesValue && !field.NeverIndexed)
        {
            HpackWriter.WriteInteger(FieldRepresentation.Indexed, match.Index, output);
            return;
        }

        var representation = ChooseLiteral(field);
        HpackWriter.WriteInteger(representation, match.Index, output);
        if (match.Index == 0)
        {
            HpackWriter.WriteString(field.Name, output);
        }

        HpackWriter.WriteString(field.Value, output);
        if (representation == FieldRepresentation.LiteralWithIndexing)
        {
            _table.Add(field);
        }
    }

    // All indexes are as on the wire: dynamic entries follow the static ones (section 2.3.3), and static ones win.
    private TableMatch Find(in HeaderField field)
    {
        var known = StaticTable.Find(field);
        if (known.IncludesValue)
        {
            return known;
        }

        var remembered = _table.Find(field);
        return remembered.IncludesValue || (known.Index == 0 && remembered.Index > 0)
            ? remembered with { Index = StaticTable.Count + remembered.Index }
            : known;
    }

    private FieldRepresentation ChooseLiteral(in HeaderField field)
    {
        if (field.NeverIndexed)
        {
            return FieldRepresentation.LiteralNeverIndexed;
        }

        return (long)field.Size * LargestIndexedDenominator <= (long)_table.MaxSize * LargestIndexedNumerator
            ? FieldRepresentation.LiteralWithIndexing
            : FieldRepresentation.LiteralWithoutIndexing;
    }
}
