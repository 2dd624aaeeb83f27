using Hbone.Http2;
using Hbone.Memory;

namespace Hbone.Tests.Http2;

/// <summary>Two peers of one pod whose memory is used up: who holds more than an equal part loses a stream.</summary>
public sealed class PodMemoryTests() : HboneServerFixture(Options)
{
    private const int PodLimit = 1024 * 1024;
    private const int Piece = 64 * 1024;

    private static readonly HboneEndpointOptions Options = new() { Memory = new MemoryBudget(PodLimit) };

    [Fact]
    public async Task PodUsedUp_TheStreamThatHoldsMostEnds_OthersDoNot()
    {
        await using var modest = await DialAsync();
        var kept = await OpenAsync(modest, 1);
        await modest.SendAsync(RawFrame.Data(1, new byte[1_000]));
        await Eventually.TrueAsync(() => Options.Memory.Used > 0);
        await using var hoarder = await DialAsync();
        var small = await OpenAsync(hoarder, 1);
        var hoarded = await OpenAsync(hoarder, 3);

        await hoarder.SendAsync(RawFrame.Data(1, new byte[Piece]));
        for (var sent = 0; sent < PodLimit; sent += Piece)
        {
            await hoarder.SendAsync(RawFrame.Data(3, new byte[Piece]));
        }

        var reset = await hoarder.ReadAsync(FrameType.RstStream);
        Assert.Equal(RawFrame.Reset(3, Http2ErrorCode.EnhanceYourCalm), reset.ToBytes());
        Assert.NotNull(hoarded.Stream.Failure);
        Assert.Null(small.Stream.Failure);
        Assert.Null(kept.Stream.Failure);
        Assert.Equal(1, Options.Memory.Shed);
        Assert.InRange(Options.Memory.Used, 1, PodLimit);
        await OpenAsync(hoarder, 5);
        var read = await kept.Stream.ReadAsync();
        Assert.Equal(1_000, read.Data.Length);
        kept.Stream.Return(read);
    }
}
