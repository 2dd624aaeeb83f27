using Hbone.Http2;

namespace Hbone.Fuzz.Targets;

/// <summary>Where frames begin and end (RFC 9113 section 4.1).</summary>
internal static class Frames
{
    /// <summary>Length of the frame at a place, header included; 0 when not even that is there.</summary>
    public static int LengthAt(ReadOnlySpan<byte> octets, int at) => octets.Length - at < FrameHeader.Length
        ? 0
        : FrameHeader.Length + FrameHeader.Read(octets[at..]).PayloadLength;
}
