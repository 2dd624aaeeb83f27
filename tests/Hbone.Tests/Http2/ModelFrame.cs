using FsCheck;
using FsCheck.Fluent;
using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>Some frames that belong together, and what a reader has to find in them (<see cref="RecordingFrameHandler"/>).</summary>
internal sealed record ModelFrame(byte[] Octets, string[] Events)
{
    private static readonly Gen<int> Stream = Gen.Choose(1, int.MaxValue);

    private static readonly Gen<byte[]> Short = BytesOf(Gen.Choose(0, 40));

    private static readonly Gen<byte[]> Payload = Gen.Frequency((6, Short), (1, BytesOf(Gen.Choose(0, 19_000))));

    /// <summary>Any of them.</summary>
    public static Gen<ModelFrame> Any { get; } = Gen.OneOf(
        Data(), Headers(), Reset(), Settings(), Ping(), GoAway(), WindowUpdate(), Priority(), Unknown());

    private static Gen<byte[]> BytesOf(Gen<int> length) =>
        from count in length
        from seed in Gen.Choose(0, int.MaxValue)
        select Random(count, seed);

    private static byte[] Random(int count, int seed)
    {
        var octets = new byte[count];
        new Random(seed).NextBytes(octets);
        return octets;
    }

    // DATA of section 6.1, with and without padding.
    private static Gen<ModelFrame> Data() =>
        from streamId in Stream
        from payload in Payload
        from padding in Gen.Frequency((2, Gen.Constant(-1)), (1, Gen.Choose(0, 255)))
        from end in Gen.Elements(true, false)
        let padded = padding < 0 ? payload : [(byte)padding, .. payload, .. new byte[padding]]
        select new ModelFrame(
            RawFrame.Of(FrameType.Data, Flags(end, padding >= 0, priority: false, endHeaders: false), streamId, padded),
            [
                $"data {streamId} of {padded.Length}",
                .. padding < 0 ? [] : new[] { $"padding {streamId} of {padding + 1}" },
                .. payload.Length == 0 ? [] : new[] { $"payload {streamId} {Convert.ToHexString(payload)}" },
                .. end ? new[] { $"end {streamId}" } : [],
            ]);

    // HEADERS with CONTINUATION, sections 6.2 and 6.10.
    private static Gen<ModelFrame> Headers() =>
        from streamId in Stream
        from fragments in Short.ArrayOf(3)
        from count in Gen.Choose(1, 3)
        from padding in Gen.Frequency((2, Gen.Constant(-1)), (1, Gen.Choose(0, 255)))
        from priority in Gen.Elements(true, false)
        from end in Gen.Elements(true, false)
        select Headers(streamId, fragments[..count], padding, priority, end);

    private static ModelFrame Headers(int streamId, byte[][] fragments, int padding, bool priority, bool end)
    {
        byte[] first =
        [
            .. padding < 0 ? [] : new[] { (byte)padding },
            .. priority ? new byte[5] : [],
            .. fragments[0],
            .. padding < 0 ? [] : new byte[padding],
        ];
        var flags = Flags(end, padding >= 0, priority, endHeaders: fragments.Length == 1);
        var octets = new List<byte>(RawFrame.Of(FrameType.Headers, flags, streamId, first));
        for (var i = 1; i < fragments.Length; i++)
        {
            var last = i == fragments.Length - 1 ? FrameHeader.EndHeaders : (byte)0;
            octets.AddRange(RawFrame.Of(FrameType.Continuation, last, streamId, fragments[i]));
        }

        var block = Convert.ToHexString([.. fragments.SelectMany(f => f)]);
        return new ModelFrame(
            [.. octets],
            [
                $"headers {streamId} {end}",
                .. block.Length == 0 ? [] : new[] { $"block {block}" },
                $"headers end {streamId}",
            ]);
    }

    private static Gen<ModelFrame> Reset() =>
        from streamId in Stream
        from code in Gen.Choose(0, 20)
        select new ModelFrame(RawFrame.Reset(streamId, (Http2ErrorCode)code), [$"reset {streamId} {code}"]);

    private static Gen<ModelFrame> Settings() =>
        from entries in Gen.Choose(0, 6)
        from seed in Gen.Choose(0, int.MaxValue)
        from ack in Gen.Elements(true, false)
        let payload = Random(6 * entries, seed)
        select ack
            ? new ModelFrame(RawFrame.SettingsAck(), ["settings ack"])
            : new ModelFrame(
                RawFrame.Of(FrameType.Settings, 0, 0, payload), [$"settings {Convert.ToHexString(payload)}"]);

    private static Gen<ModelFrame> Ping() =>
        from opaque in BytesOf(Gen.Constant(8))
        from ack in Gen.Elements(true, false)
        select new ModelFrame(
            RawFrame.Of(FrameType.Ping, ack ? FrameHeader.Ack : (byte)0, 0, opaque),
            [$"ping {Convert.ToHexString(opaque)} {ack}"]);

    private static Gen<ModelFrame> GoAway() =>
        from last in Gen.Choose(0, int.MaxValue)
        from debug in Short
        select new ModelFrame(
            RawFrame.Of(FrameType.GoAway, 0, 0, [.. RawFrame.Number((uint)last), 0, 0, 0, 2, .. debug]),
            [$"goaway {last} 2"]);

    private static Gen<ModelFrame> WindowUpdate() =>
        from streamId in Gen.OneOf(Stream, Gen.Constant(0))
        from increment in Gen.Choose(0, int.MaxValue)
        select new ModelFrame(
            RawFrame.WindowUpdate(streamId, (uint)increment), [$"window {streamId} {increment}"]);

    private static Gen<ModelFrame> Priority() =>
        from streamId in Stream
        select new ModelFrame(RawFrame.Of(FrameType.Priority, 0, streamId, new byte[5]), []);

    // Section 4.1: types that are not known are passed over, on any stream.
    private static Gen<ModelFrame> Unknown() =>
        from type in Gen.Choose(10, 255)
        from flags in Gen.Choose(0, 255)
        from streamId in Gen.Choose(0, int.MaxValue)
        from payload in Payload
        select new ModelFrame(RawFrame.Of((FrameType)type, (byte)flags, streamId, payload), []);

    private static byte Flags(bool endStream, bool padded, bool priority, bool endHeaders) => (byte)(
        (endStream ? FrameHeader.EndStream : 0)
        | (padded ? FrameHeader.Padded : 0)
        | (priority ? FrameHeader.Priority : 0)
        | (endHeaders ? FrameHeader.EndHeaders : 0));
}
