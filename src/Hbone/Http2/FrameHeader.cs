using System.Buffers.Binary;

namespace Hbone.Http2;

/// <summary>
/// The nine octets in front of every frame, RFC 9113 section 4.1; multi-byte fields are big-endian.
/// <code>
/// +-----------------------------------------------+
/// |                 Length (24)                   |
/// +---------------+---------------+---------------+
/// |   Type (8)    |   Flags (8)   |
/// +-+-------------+---------------+-------------------------------+
/// |R|                 Stream Identifier (31)                      |
/// +=+=============================================================+
/// </code>
/// </summary>
/// <param name="PayloadLength">Octets after the header.</param>
/// <param name="Type">Frame type, possibly none that we know.</param>
/// <param name="Flags">Flags, whose meaning depends on the type.</param>
/// <param name="StreamId">0 for the connection; the reserved bit is dropped.</param>
internal readonly record struct FrameHeader(int PayloadLength, FrameType Type, byte Flags, int StreamId)
{
    /// <summary>Octets of the header itself.</summary>
    public const int Length = 9;

    /// <summary>END_STREAM on DATA and HEADERS.</summary>
    public const byte EndStream = 0x1;

    /// <summary>ACK on SETTINGS and PING.</summary>
    public const byte Ack = 0x1;

    /// <summary>END_HEADERS on HEADERS and CONTINUATION.</summary>
    public const byte EndHeaders = 0x4;

    /// <summary>PADDED on DATA and HEADERS.</summary>
    public const byte Padded = 0x8;

    /// <summary>PRIORITY on HEADERS.</summary>
    public const byte Priority = 0x20;

    /// <summary>Whether a flag is set.</summary>
    public bool Has(byte flag) => (Flags & flag) != 0;

    /// <summary>Reads a header from the first nine octets.</summary>
    public static FrameHeader Read(ReadOnlySpan<byte> octets) => new(
        (octets[0] << 16) | (octets[1] << 8) | octets[2],
        (FrameType)octets[3],
        octets[4],
        BinaryPrimitives.ReadInt32BigEndian(octets[5..]) & int.MaxValue);

    /// <summary>Writes the header into the first nine octets.</summary>
    public void Write(Span<byte> octets)
    {
        octets[0] = (byte)(PayloadLength >> 16);
        octets[1] = (byte)(PayloadLength >> 8);
        octets[2] = (byte)PayloadLength;
        octets[3] = (byte)Type;
        octets[4] = Flags;
        BinaryPrimitives.WriteInt32BigEndian(octets[5..], StreamId);
    }
}
