using Hbone.Http2;

namespace Hbone.Fuzz.Targets;

/// <summary>Reduces what a frame reader found to one number, which does not depend on how payload was cut.</summary>
internal sealed class HashingFrameHandler : IFrameHandler
{
    public ulong Hash { get; private set; } = 14_695_981_039_346_656_037UL;

    public void OnData(int streamId, int payloadLength, bool isUseless) => Add(1, streamId, payloadLength);

    public void OnPadding(int streamId, int length) => Add(2, streamId, length);

    public void OnPayload(int streamId, ReceiveSegment segment, int offset, int length) =>
        Add(segment.Array.AsSpan(offset, length));

    public void OnEndStream(int streamId) => Add(3, streamId, 0);

    public void OnHeaders(int streamId, bool endStream) => Add(4, streamId, endStream ? 1 : 0);

    public void OnHeaderFragment(ReadOnlySpan<byte> fragment) => Add(fragment);

    public void OnHeadersEnd(int streamId) => Add(5, streamId, 0);

    public void OnReset(int streamId, Http2ErrorCode code) => Add(6, streamId, (int)code);

    public void OnSettings(ReadOnlySpan<byte> payload)
    {
        Add(7, 0, payload.Length);
        Add(payload);
    }

    public void OnSettingsAck() => Add(8, 0, 0);

    public void OnPing(ReadOnlySpan<byte> opaque, bool ack)
    {
        Add(9, 0, ack ? 1 : 0);
        Add(opaque);
    }

    public void OnGoAway(int lastStreamId, Http2ErrorCode code) => Add(10, lastStreamId, (int)code);

    public void OnWindowUpdate(int streamId, int increment) => Add(11, streamId, increment);

    public void OnIgnored() => Add(12, 0, 0);

    private void Add(byte what, int streamId, int number)
    {
        Mix(what);
        Mix((uint)streamId);
        Mix((uint)number);
    }

    private void Add(ReadOnlySpan<byte> octets)
    {
        foreach (var octet in octets)
        {
            Mix(octet);
        }
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * 1_099_511_628_211UL;
}
