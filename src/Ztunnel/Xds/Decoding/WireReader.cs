namespace Ztunnel.Xds.Decoding;

/// <summary>
/// Steps through the fields of one protobuf message without copying it: records of a tag (field number &lt;&lt; 3 | wire
/// type) and a value. For messages whose parts are decoded one by one. Protobuf encoding guide, "Message Structure".
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> message)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = message;
    private ReadOnlySpan<byte> _bytes;
    private ReadOnlySpan<byte> _record;

    /// <summary>Number of the current field.</summary>
    public int Field { get; private set; }

    /// <summary>Content of the current field: strings, bytes and messages. Empty for other wire types.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Whether the current field is a string, bytes or a message.</summary>
    public bool IsLengthDelimited { get; private set; }

    /// <summary>The current field as it came, with its tag.</summary>
    public readonly ReadOnlySpan<byte> Record => _record;

    /// <summary>Goes to the next field; false at the end.</summary>
    /// <exception cref="FormatException">The message is cut or not protobuf.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var start = _rest;
        var tag = ReadVarint();
        Field = tag >> 3 is > 0 and <= int.MaxValue ? (int)(tag >> 3) : throw Malformed();
        _bytes = (tag & 7) switch
        {
            Varint => Skip(ReadVarint()),
            Fixed64 => Take(8)[..0],
            LengthDelimited => Take(ReadVarint()),
            Fixed32 => Take(4)[..0],
            _ => throw Malformed(), // groups do not exist in proto3
        };
        IsLengthDelimited = (tag & 7) == LengthDelimited;
        _record = start[..(start.Length - _rest.Length)];
        return true;
    }

    /// <summary>The current field as text.</summary>
    /// <exception cref="FormatException">It is not UTF-8, which proto3 asks for.</exception>
    public readonly string Text()
    {
        try
        {
            return StrictUtf8.ToText(_bytes);
        }
        catch (FormatException e)
        {
            throw new FormatException($"field {Field} is not valid UTF-8", e);
        }
    }

    private static FormatException Malformed() => new("not a valid protobuf message");

    private static ReadOnlySpan<byte> Skip(ulong _) => default;

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            throw Malformed();
        }

        var taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }

    private ulong ReadVarint()
    {
        ulong value = 0;
        for (var i = 0; i < _rest.Length && i < 10; i++)
        {
            value |= (ulong)(_rest[i] & 0x7F) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return value;
            }
        }

        throw Malformed();
    }
}
