using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>Writes down what a frame reader found. Pieces of one payload or header block come out joined.</summary>
internal sealed class RecordingFrameHandler : IFrameHandler
{
    private readonly List<string> _events = [];
    private readonly List<byte> _piece = [];
    private string? _pieceOf;

    public IReadOnlyList<string> Events
    {
        get
        {
            EndPiece();
            return _events;
        }
    }

    public void OnData(int streamId, int payloadLength, bool isUseless) => Add($"data {streamId} of {payloadLength}");

    public void OnPadding(int streamId, int length) => Add($"padding {streamId} of {length}");

    public void OnPayload(int streamId, ReceiveSegment segment, int offset, int length) =>
        AddPiece($"payload {streamId}", segment.Array.AsSpan(offset, length));

    public void OnEndStream(int streamId) => Add($"end {streamId}");

    public void OnHeaders(int streamId, bool endStream) => Add($"headers {streamId} {endStream}");

    public void OnHeaderFragment(ReadOnlySpan<byte> fragment) => AddPiece("block", fragment);

    public void OnHeadersEnd(int streamId) => Add($"headers end {streamId}");

    public void OnReset(int streamId, Http2ErrorCode code) => Add($"reset {streamId} {(uint)code}");

    public void OnSettings(ReadOnlySpan<byte> payload) => Add($"settings {Convert.ToHexString(payload)}");

    public void OnSettingsAck() => Add("settings ack");

    public void OnPing(ReadOnlySpan<byte> opaque, bool ack) => Add($"ping {Convert.ToHexString(opaque)} {ack}");

    public void OnGoAway(int lastStreamId, Http2ErrorCode code) => Add($"goaway {lastStreamId} {(uint)code}");

    public void OnWindowUpdate(int streamId, int increment) => Add($"window {streamId} {increment}");

    public void OnIgnored()
    {
        // How long the frame was, and that the next one begins behind it, is seen from what follows.
    }

    private void Add(string what)
    {
        EndPiece();
        _events.Add(what);
    }

    private void AddPiece(string of, ReadOnlySpan<byte> octets)
    {
        _pieceOf = of;
        _piece.AddRange(octets);
    }

    private void EndPiece()
    {
        if (_pieceOf is { } of)
        {
            _events.Add($"{of} {Convert.ToHexString([.. _piece])}");
            _pieceOf = null;
            _piece.Clear();
        }
    }
}
