using System.Buffers.Binary;
using System.Globalization;

namespace Hbone.Http2;

/// <summary>What the peer has announced, RFC 9113 section 6.5.2; starts at the RFC's initial values.</summary>
/// <param name="HeaderTableSize">Octets its header decoder keeps.</param>
/// <param name="SmallestHeaderTableSize">
/// Smallest of those that the last frame brought and the one before: our encoder has to say it went that far down (RFC 7541
/// section 4.2).
/// </param>
/// <param name="MaxConcurrentStreams">Streams it lets us open.</param>
/// <param name="InitialWindowSize">Send window of a new stream.</param>
/// <param name="MaxFrameSize">Longest payload it takes.</param>
internal readonly record struct PeerSettings(
    int HeaderTableSize, int SmallestHeaderTableSize, int MaxConcurrentStreams, int InitialWindowSize, int MaxFrameSize)
{
    private const int EntryLength = 6;
    private const int SmallestMaxFrameSize = 16_384;
    private const int LargestMaxFrameSize = 16_777_215;

    /// <summary>Before the first SETTINGS frame.</summary>
    public static PeerSettings Initial { get; } = new(4_096, 4_096, int.MaxValue, 65_535, SmallestMaxFrameSize);

    /// <summary>Applies a SETTINGS payload in order.</summary>
    /// <param name="payload">Entries of two octets identifier and four octets value.</param>
    /// <param name="peerIsServer">A server may not announce ENABLE_PUSH 1.</param>
    /// <exception cref="Http2ConnectionException">A value is out of its range, or the length is no multiple of six.</exception>
    public PeerSettings With(ReadOnlySpan<byte> payload, bool peerIsServer)
    {
        if (payload.Length % EntryLength != 0)
        {
            throw new Http2ConnectionException(
                Http2ErrorCode.FrameSizeError, $"SETTINGS of {payload.Length} octets is not whole entries");
        }

        var settings = this with { SmallestHeaderTableSize = HeaderTableSize };
        for (; !payload.IsEmpty; payload = payload[EntryLength..])
        {
            var id = (SettingId)BinaryPrimitives.ReadUInt16BigEndian(payload);
            settings = settings.With(id, BinaryPrimitives.ReadUInt32BigEndian(payload[2..]), peerIsServer);
        }

        return settings;
    }

    private PeerSettings With(SettingId id, uint value, bool peerIsServer) => id switch
    {
        SettingId.HeaderTableSize => WithHeaderTableSize((int)Math.Min(value, int.MaxValue)),
        SettingId.EnablePush => value > 1 || (value == 1 && peerIsServer)
            ? throw Illegal(Http2ErrorCode.ProtocolError, id, value)
            : this,
        SettingId.MaxConcurrentStreams => this with { MaxConcurrentStreams = (int)Math.Min(value, int.MaxValue) },
        SettingId.InitialWindowSize => value > int.MaxValue
            ? throw Illegal(Http2ErrorCode.FlowControlError, id, value)
            : this with { InitialWindowSize = (int)value },
        SettingId.MaxFrameSize => value is < SmallestMaxFrameSize or > LargestMaxFrameSize
            ? throw Illegal(Http2ErrorCode.ProtocolError, id, value)
            : this with { MaxFrameSize = (int)value },
        _ => this,
    };

    private PeerSettings WithHeaderTableSize(int size) =>
        this with { HeaderTableSize = size, SmallestHeaderTableSize = Math.Min(size, SmallestHeaderTableSize) };

    private static Http2ConnectionException Illegal(Http2ErrorCode code, SettingId id, uint value) =>
        new(code, string.Create(CultureInfo.InvariantCulture, $"SETTINGS {id} of {value} is out of range"));
}
