using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>What holds for every frame that we send. RFC 9113 section 4.1.</summary>
internal static class SentFrames
{
    /// <summary>No flag that its type does not define, no padding, no priority, no reserved bit; never PUSH_PROMISE.</summary>
    public static void AssertClean(IEnumerable<RawFrame> frames)
    {
        foreach (var frame in frames)
        {
            Assert.NotEqual(FrameType.PushPromise, frame.Type);
            Assert.Equal(0, frame.Flags & ~DefinedFlags(frame.Type));
            Assert.True(frame.StreamId >= 0, $"reserved bit on {frame.Type}");
        }
    }

    private static int DefinedFlags(FrameType type) => type switch
    {
        FrameType.Data => RawFrame.EndStream,
        FrameType.Headers => RawFrame.EndStream | RawFrame.EndHeaders,
        FrameType.Continuation => RawFrame.EndHeaders,
        FrameType.Settings or FrameType.Ping => RawFrame.Ack,
        _ => 0,
    };
}
