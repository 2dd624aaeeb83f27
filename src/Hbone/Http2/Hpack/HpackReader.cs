namespace Hbone.Http2.Hpack;

/// <summary>Reads the primitive types of a header block, integers and string literals (RFC 7541 section 5).</summary>
internal ref struct HpackReader(ReadOnlySpan<byte> block)
{
    private const int StringPrefixBits = 7;
    private const int HuffmanFlag = 0x80;
    private const int ContinuationFlag = 0x80;
    private const int ContinuationBits = 7;

    // 5 times 7 bits hold any integer that is accepted; more octets could only carry zeros to keep us busy.
    private const int MaxContinuationOctets = 5;

    private ReadOnlySpan<byte> _rest = block;

    /// <summary>Nothing is left.</summary>
    public readonly bool IsAtEnd => _rest.IsEmpty;

    /// <summary>The next octet, not consumed; there must be one.</summary>
    public readonly byte Peek() => _rest[0];

    /// <summary>Reads an integer whose first bits are the low ones of the next octet (section 5.1).</summary>
    /// <exception cref="HpackException">It is cut off, or above 2^31-1.</exception>
    public int ReadInteger(int prefixBits)
    {
        var prefixMax = (1 << prefixBits) - 1;
        var prefix = ReadOctet() & prefixMax;
        if (prefix < prefixMax)
        {
            return prefix;
        }

        var value = (long)prefixMax;
        for (var octets = 0; octets < MaxContinuationOctets; octets++)
        {
            var octet = ReadOctet();
            value += (long)(octet & ~ContinuationFlag) << (octets * ContinuationBits);
            if ((octet & ContinuationFlag) == 0)
            {
                return value <= int.MaxValue ? (int)value : throw IntegerTooLarge();
            }
        }

        throw IntegerTooLarge();
    }

    /// <summary>Reads a string literal and leaves it as it is encoded (section 5.2).</summary>
    /// <exception cref="HpackException">It is cut off.</exception>
    public ReadOnlySpan<byte> ReadString(out bool isHuffman)
    {
        if (_rest.IsEmpty)
        {
            throw Truncated();
        }

        isHuffman = (_rest[0] & HuffmanFlag) != 0;
        var length = ReadInteger(StringPrefixBits);
        if (length > _rest.Length)
        {
            throw new HpackException(
                $"string literal of {length} octets, but the header block has only {_rest.Length} left");
        }

        var text = _rest[..length];
        _rest = _rest[length..];
        return text;
    }

    private int ReadOctet()
    {
        if (_rest.IsEmpty)
        {
            throw Truncated();
        }

        var octet = _rest[0];
        _rest = _rest[1..];
        return octet;
    }

    private static HpackException Truncated() => new("header block ends inside an instruction");

    private static HpackException IntegerTooLarge() =>
        new($"integer above {int.MaxValue} or in more than {MaxContinuationOctets} continuation octets");
}
