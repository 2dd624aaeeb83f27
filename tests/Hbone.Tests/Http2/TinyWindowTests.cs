using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>The smallest stream window that can be configured: one octet at a time, and no update of nothing.</summary>
public sealed class TinyWindowTests() : HboneServerFixture(new HboneEndpointOptions { Http2 = new() { StreamWindowSize = 1 } })
{
    [Fact]
    public async Task Section69_WindowOfOneOctet_UpdatesAreNeverZero()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);
        await peer.SendAsync(RawFrame.Of(FrameType.Data, RawFrame.Padded, 1, [0]));

        Assert.Equal(RawFrame.WindowUpdate(1, 1), (await peer.ReadAsync(FrameType.WindowUpdate)).ToBytes());
        await peer.SendAsync(RawFrame.Data(1, [7]));
        var read = await request.Stream.ReadAsync();
        Assert.Empty(await peer.ReadAllAsync());
        request.Stream.Return(read);

        Assert.Equal(RawFrame.WindowUpdate(1, 1), (await peer.ReadAsync(FrameType.WindowUpdate)).ToBytes());
    }
}
