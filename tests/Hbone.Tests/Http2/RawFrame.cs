using System.Buffers.Binary;
using System.Text;
using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>A frame as octets, made and read without the code under test (RFC 9113 section 4.1).</summary>
/// <param name="Type">Frame type.</param>
/// <param name="Flags">Flags.</param>
/// <param name="StreamId">Stream identifier.</param>
/// <param name="Payload">What follows the nine octets.</param>
internal sealed record RawFrame(FrameType Type, byte Flags, int StreamId, byte[] Payload)
{
    public const byte EndStream = 0x1;
    public const byte Ack = 0x1;
    public const byte EndHeaders = 0x4;
    public const byte Padded = 0x8;
    public const byte Priority = 0x20;

    private const int HeaderLength = 9;

    public static byte[] Preface { get; } = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    /// <summary>The status of a response's header block, which is always its first field.</summary>
    public int Status { get; init; }

    public uint Code => BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(Type == FrameType.GoAway ? 4 : 0));

    public bool Has(byte flag) => (Flags & flag) != 0;

    public byte[] ToBytes() => Of(Type, Flags, StreamId, Payload);

    public static byte[] Of(FrameType type, byte flags, int streamId, params byte[] payload)
    {
        var frame = new byte[HeaderLength + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = (byte)type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame, HeaderLength);
        return frame;
    }

    public static byte[] Settings(params (int Id, uint Value)[] settings)
    {
        var payload = new byte[6 * settings.Length];
        for (var i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6 * i), (ushort)settings[i].Id);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan((6 * i) + 2), settings[i].Value);
        }

        return Of(FrameType.Settings, 0, 0, payload);
    }

    public static byte[] SettingsAck() => Of(FrameType.Settings, Ack, 0);

    public static byte[] Data(int streamId, byte[] payload, bool endStream = false) =>
        Of(FrameType.Data, endStream ? EndStream : (byte)0, streamId, payload);

    public static byte[] Reset(int streamId, Http2ErrorCode code) =>
        Of(FrameType.RstStream, 0, streamId, Number((uint)code));

    public static byte[] WindowUpdate(int streamId, uint increment) =>
        Of(FrameType.WindowUpdate, 0, streamId, Number(increment));

    public static byte[] GoAway(int lastStreamId, Http2ErrorCode code) =>
        Of(FrameType.GoAway, 0, 0, [.. Number((uint)lastStreamId), .. Number((uint)code)]);

    public static byte[] Ping(string opaque) => Of(FrameType.Ping, 0, 0, Encoding.ASCII.GetBytes(opaque));

    /// <summary>A whole header block in one HEADERS frame, every field a literal that is not indexed.</summary>
    public static byte[] Headers(int streamId, bool endStream, params (string Name, string Value)[] fields) =>
        Of(FrameType.Headers, (byte)(EndHeaders | (endStream ? EndStream : 0)), streamId, Block(fields));

    public static byte[] Connect(int streamId, string authority = "10.0.0.1:80") =>
        Headers(streamId, endStream: false, (":method", "CONNECT"), (":authority", authority));

    public static byte[] Block(params (string Name, string Value)[] fields)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in fields)
        {
            block.WriteByte(0); // literal without indexing, new name: RFC 7541 section 6.2.2
            WriteString(block, name);
            WriteString(block, value);
        }

        return block.ToArray();
    }

    public static byte[] Number(uint value)
    {
        var octets = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(octets, value);
        return octets;
    }

    // RFC 7541 sections 5.1 and 5.2, without Huffman coding.
    private static void WriteString(MemoryStream block, string text)
    {
        var octets = Encoding.Latin1.GetBytes(text);
        if (octets.Length < 127)
        {
            block.WriteByte((byte)octets.Length);
        }
        else
        {
            block.WriteByte(127);
            var rest = octets.Length - 127;
            for (; rest >= 128; rest >>= 7)
            {
                block.WriteByte((byte)((rest & 127) | 128));
            }

            block.WriteByte((byte)rest);
        }

        block.Write(octets);
    }
}
