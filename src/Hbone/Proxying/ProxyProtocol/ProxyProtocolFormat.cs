namespace Hbone.Proxying.ProxyProtocol;

/// <summary>
/// Octets of a PROXY protocol header, version 2; multi-byte fields are big-endian.
/// <code>
/// +---------------------------------------------------------------+
/// |                        Signature (96)                         |
/// +-------+-------+-------+-------+-------------------------------+
/// |Ver (4)|Cmd (4)|Fam (4)|Pro (4)|          Length (16)          |
/// +-------+-------+-------+-------+-------------------------------+
/// |  Source address, destination address (32 or 128 each)         |
/// +-------------------------------+-------------------------------+
/// |       Source port (16)        |     Destination port (16)     |
/// +---------------+---------------+---------------+---------------+
/// |   Type (8)    |        Value length (16)      |   Value ...   |
/// +---------------+-------------------------------+---------------+
/// </code>
/// Length counts everything after itself; types and values repeat until it is used up.
/// </summary>
internal static class ProxyProtocolFormat
{
    /// <summary>Octets up to and including the length.</summary>
    public const int FixedLength = 16;

    public const int CommandOffset = 12;
    public const int FamilyOffset = 13;
    public const int LengthOffset = 14;

    public const byte Local = 0x20;
    public const byte Proxy = 0x21;

    public const byte Unspecified = 0x00;
    public const byte UnspecifiedStream = 0x01;
    public const byte TcpOverIPv4 = 0x11;
    public const byte TcpOverIPv6 = 0x21;

    public const int IPv4Length = 4;
    public const int IPv6Length = 16;

    /// <summary>Both ports.</summary>
    public const int PortsLength = 4;

    /// <summary>Type and length in front of a value.</summary>
    public const int ValueHeaderLength = 3;

    /// <summary>Istio's type for the caller's SPIFFE ID, as ASCII.</summary>
    public const byte IdentityType = 0xd0;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;
}
