using System.Buffers.Binary;
using System.Text.Json;
using Hbone.Http2.Hpack;

namespace Node.Tests.Recordings;

/// <summary>One HTTP/2 frame (RFC 9113 section 4.1), its header block decoded.</summary>
/// <param name="Type">Its name in the RFC.</param>
/// <param name="Flags">All eight bits.</param>
/// <param name="Stream">0 for the connection.</param>
/// <param name="Payload">Its octets, in hex.</param>
/// <param name="Headers">The fields of a header block, in their order.</param>
internal sealed record RecordedFrame(
    string Type, int Flags, int Stream, string Payload, IReadOnlyList<(string Name, string Value)>? Headers)
{
    public const int HeaderLength = 9;

    private static readonly string[] Types =
    [
        "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
        "CONTINUATION",
    ];

    /// <summary>END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING.</summary>
    public bool HasFirstFlag => (Flags & 1) != 0;

    public bool IsSettingsAck => Type == "SETTINGS" && HasFirstFlag;

    /// <summary>A frame of the fixtures.</summary>
    public static RecordedFrame Parse(JsonElement frame) => new(
        frame.GetProperty("type").GetString()!,
        frame.GetProperty("flags").GetInt32(),
        frame.GetProperty("stream").GetInt32(),
        frame.GetProperty("payload").GetString()!,
        frame.TryGetProperty("headers", out var headers)
            ? [.. headers.EnumerateArray().Select(field => (field[0].GetString()!, field[1].GetString()!))]
            : null);

    /// <summary>Reads the next frame; <see langword="null"/> at the end of the stream.</summary>
    public static async Task<RecordedFrame?> ReadAsync(
        Stream stream, HpackDecoder decoder, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderLength];
        var received = await stream.ReadAtLeastAsync(
            header, HeaderLength, throwOnEndOfStream: false, cancellationToken);
        if (received == 0)
        {
            return null;
        }

        Assert.Equal(HeaderLength, received);
        var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
        await stream.ReadExactlyAsync(payload, cancellationToken);
        return new RecordedFrame(
            Types[header[3]],
            header[4],
            BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)),
            Convert.ToHexStringLower(payload),
            Types[header[3]] == "HEADERS" ? Decode(payload, decoder) : null);
    }

    /// <summary>The octets of a frame.</summary>
    public static byte[] Write(string type, int flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeaderLength + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(
            frame, (payload.Length << 8) | Array.IndexOf(Types, type)); // length is 24 bits, type the next 8
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(HeaderLength));
        return frame;
    }

    /// <summary>What has to be the same: a header block's fields, any other frame's octets.</summary>
    public override string ToString()
    {
        var content = Headers is null
            ? Payload
            : string.Join('\n', Headers.Select(field => $"    {field.Name}: {field.Value}").Prepend(""));
        return FormattableString.Invariant($"{Type} flags={Flags:x2} stream={Stream} {content}");
    }

    private static List<(string Name, string Value)> Decode(byte[] block, HpackDecoder decoder)
    {
        var fields = new List<HeaderField>();
        decoder.Decode(block, fields);
        return [.. fields.Select(field => (field.Name, field.Value))];
    }
}
