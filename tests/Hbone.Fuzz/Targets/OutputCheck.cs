using System.Runtime.InteropServices;
using Hbone.Http2;

namespace Hbone.Fuzz.Targets;

/// <summary>What a connection wrote must be whole frames that a peer takes, whatever the peer said.</summary>
internal static class OutputCheck
{
    private const int PrefaceLength = 24;
    private const int LargestPayload = 16_777_215;

    /// <exception cref="FuzzFailure">It is not.</exception>
    public static void Check(List<byte> written, bool isServer)
    {
        var octets = CollectionsMarshal.AsSpan(written);
        var ended = new HashSet<int>();
        var reset = new HashSet<int>();
        for (var at = isServer ? 0 : PrefaceLength; at < octets.Length;)
        {
            var length = Frames.LengthAt(octets, at);
            if (length == 0 || length > octets.Length - at)
            {
                throw new FuzzFailure($"the output ends inside a frame that begins at {at}");
            }

            Check(FrameHeader.Read(octets[at..]), ended, reset);
            at += length;
        }
    }

    private static void Check(FrameHeader frame, HashSet<int> ended, HashSet<int> reset)
    {
        var isLegal = frame.Type switch
        {
            FrameType.Data => frame.StreamId > 0 && !ended.Contains(frame.StreamId) && !reset.Contains(frame.StreamId),
            FrameType.Headers or FrameType.Continuation => frame.StreamId > 0 && !reset.Contains(frame.StreamId),
            FrameType.RstStream => frame is { StreamId: > 0, PayloadLength: 4 },
            FrameType.Settings => frame.StreamId == 0 && frame.PayloadLength % 6 == 0,
            FrameType.Ping or FrameType.GoAway => frame is { StreamId: 0, PayloadLength: 8 },
            FrameType.WindowUpdate => frame.PayloadLength == 4,
            _ => false,
        };
        if (!isLegal || frame.PayloadLength > LargestPayload)
        {
            throw new FuzzFailure($"we wrote {frame}, after END_STREAM on {string.Join(' ', ended)}");
        }

        if (frame.Type == FrameType.RstStream)
        {
            reset.Add(frame.StreamId);
        }
        else if (frame.Type is FrameType.Data or FrameType.Headers && frame.Has(FrameHeader.EndStream))
        {
            ended.Add(frame.StreamId);
        }
    }
}
