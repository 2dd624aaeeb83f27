namespace Hbone.Http2.Hpack;

/// <summary>
/// How one instruction of a header block starts: the pattern of its high bits and the width of the integer that shares
/// the octet with it (RFC 7541 section 6).
/// </summary>
/// <param name="Pattern">The octet with the integer's bits at zero.</param>
/// <param name="PrefixBits">Bits of the integer.</param>
internal readonly record struct FieldRepresentation(byte Pattern, int PrefixBits)
{
    /// <summary><c>1xxxxxxx</c>, section 6.1.</summary>
    public static readonly FieldRepresentation Indexed = new(0x80, 7);

    /// <summary><c>01xxxxxx</c>, section 6.2.1.</summary>
    public static readonly FieldRepresentation LiteralWithIndexing = new(0x40, 6);

    /// <summary><c>001xxxxx</c>, section 6.3.</summary>
    public static readonly FieldRepresentation TableSizeUpdate = new(0x20, 5);

    /// <summary><c>0001xxxx</c>, section 6.2.3.</summary>
    public static readonly FieldRepresentation LiteralNeverIndexed = new(0x10, 4);

    /// <summary><c>0000xxxx</c>, section 6.2.2.</summary>
    public static readonly FieldRepresentation LiteralWithoutIndexing = new(0x00, 4);

    /// <summary>The representation that an octet starts.</summary>
    public static FieldRepresentation StartedBy(byte octet) => octet switch
    {
        >= 0x80 => Indexed,
        >= 0x40 => LiteralWithIndexing,
        >= 0x20 => TableSizeUpdate,
        >= 0x10 => LiteralNeverIndexed,
        _ => LiteralWithoutIndexing,
    };
}
