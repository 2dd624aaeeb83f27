using Hbone.Http2;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Which stream identifiers a client may use at our server. RFC 9113 section 5.1.1.</summary>
public sealed class ServerStreamIdTests : HboneServerFixture
{
    [Theory]
    [InlineData(3, 5, 1)] // below the first of all
    [InlineData(1, 11, 3)]
    [InlineData(1, 11, 9)]
    [Requirement("9113-5.1.1-4")]
    public async Task Section511_RequestOnSkippedStream_ProtocolError(int first, int second, int skipped)
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(first), RawFrame.Connect(second));

        await peer.SendAsync(RawFrame.Connect(skipped));

        Assert.Equal(Http2ErrorCode.ProtocolError, await peer.ReadGoAwayAsync());
    }

    [Fact]
    public async Task Section511_SkippedStreams_AreClosedAndLaterOnesOpen()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 5);

        // Nothing but a request is an error there.
        await peer.SendAsync(RawFrame.Data(3, [1]), RawFrame.WindowUpdate(3, 1), RawFrame.Reset(1, Http2ErrorCode.Cancel));

        Assert.Empty(await peer.ReadAllAsync());
        await OpenAsync(peer, 7);
    }

    [Fact]
    public async Task Section511_HeadersOnStreamThatWasOpen_Ignored()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);
        await OpenAsync(peer, 5);
        await peer.SendAsync(RawFrame.Reset(1, Http2ErrorCode.Cancel));

        await peer.SendAsync(RawFrame.Connect(1));

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    public void MoreGapsThanAreRemembered_OldestAreForgotten()
    {
        var skipped = new SkippedStreams();
        for (var id = 1; id < 4 * 33; id += 4)
        {
            skipped.OnOpened(id, id + 4);
        }

        Assert.False(skipped.Contains(3));
        Assert.True(skipped.Contains(7));
        Assert.False(skipped.Contains(9));
    }
}
