using Hbone.Http2;
using Hbone.Memory;

namespace Hbone.Tests.Http2;

/// <summary>
/// RFC 9113 section 6.9.2: SETTINGS may take back credit that was taken for payload which is not sent yet. After their
/// acknowledgement none of it may exceed the new window.
/// </summary>
public sealed class LostCreditTests : IAsyncDisposable
{
    private const int Room = FrameHeader.Length;

    private readonly MemoryStream _record = new();
    private readonly InlinePeer _peer;
    private readonly Http2Connection _connection;
    private Http2Stream? _stream;

    public LostCreditTests()
    {
        _peer = new() { Record = _record };
        var role = Http2Role.Server(new Http2Options(), request =>
        {
            request.Accept();
            _stream = request.Stream;
        });
        _connection = new(_peer, role, new MemoryBudget(long.MaxValue), new ManualTime());
        InlinePeer.Start(_connection);
        _peer.Say(RawFrame.Preface, RawFrame.Settings(), RawFrame.SettingsAck(), RawFrame.Connect(1));
    }

    private Http2Stream Stream => _stream ?? throw new InvalidOperationException("no request came");

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        _peer.Dispose();
        await _record.DisposeAsync();
    }

    [Fact]
    public void WindowTakenBack_OnlyWhatItStillHoldsFollowsTheAcknowledgement()
    {
        var buffer = Payload(1000);
        Assert.Equal(1000, Stream.TakeCredit(1000));
        _peer.Say(RawFrame.Settings((4, 10)));
        Clear();

        var written = Stream.WriteAsync(buffer, Room, 1000).AsTask();

        Assert.Equal(RawFrame.Data(1, Pattern(0, 10)), Heard());
        Assert.False(written.IsCompleted);
        _peer.Say(RawFrame.WindowUpdate(1, 90));
        Assert.Equal(RawFrame.Data(1, Pattern(10, 90)), Heard());
        Assert.False(written.IsCompleted);
        _peer.Say(RawFrame.WindowUpdate(1, 2000));
        Assert.Equal(RawFrame.Data(1, Pattern(100, 900)), Heard());
        Assert.True(written.IsCompletedSuccessfully);
        Assert.Equal(1100, Stream.TakeCredit(int.MaxValue));
    }

    [Fact]
    public void WholeWindowTakenBack_NothingFollowsUntilSettingsWidenIt()
    {
        var buffer = Payload(1000);
        Stream.TakeCredit(1000);
        _peer.Say(RawFrame.Settings((4, 0)));
        Clear();

        var written = Stream.WriteAsync(buffer, Room, 1000).AsTask();

        Assert.Empty(Heard());
        Assert.True(Stream.IsStalled);
        _peer.Say(RawFrame.Settings((4, 5000)));
        Assert.Equal([.. RawFrame.SettingsAck(), .. RawFrame.Data(1, Pattern(0, 1000))], Heard());
        Assert.True(written.IsCompletedSuccessfully);
    }

    [Fact]
    public void HeldPayload_StreamReset_TheBufferComesBackAndTheConnectionsCreditToo()
    {
        Stream.TakeCredit(1000);
        _peer.Say(RawFrame.Settings((4, 10)));
        var written = Stream.WriteAsync(Payload(1000), Room, 1000).AsTask();

        _peer.Say(RawFrame.Reset(1, Http2ErrorCode.Cancel));

        Assert.True(written.IsCompletedSuccessfully);
        _peer.Say(RawFrame.Settings((4, 1_000_000)), RawFrame.Connect(3));
        Assert.Equal(65_535 - 10, Stream.TakeCredit(int.MaxValue));
    }

    [Fact]
    public void HeldPayload_ConnectionBreaks_TheBufferComesBack()
    {
        Stream.TakeCredit(1000);
        _peer.Say(RawFrame.Settings((4, 10)));
        var written = Stream.WriteAsync(Payload(1000), Room, 1000).AsTask();

        _peer.Say(RawFrame.Reset(7, Http2ErrorCode.Cancel)); // idle: the connection's error

        Assert.NotNull(_connection.Failure);
        Assert.True(written.IsCompletedSuccessfully);
    }

    private static byte[] Pattern(int start, int length) =>
        [.. Enumerable.Range(start, length).Select(i => (byte)(i * 7))];

    private static byte[] Payload(int length) => [.. new byte[Room], .. Pattern(0, length)];

    private byte[] Heard()
    {
        var heard = _record.ToArray();
        Clear();
        return heard;
    }

    private void Clear() => _record.SetLength(0);
}
