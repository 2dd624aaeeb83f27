using Google.Protobuf;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>What the largest message costs: control-plane 2.1, 10.3.19. The heap is only this test's.</summary>
[Collection(Fixtures.RunsAlone.Name)]
public sealed class LargestMessageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>
    /// The largest message that is read, over the network into the mesh. The server sends one piece again and again, so what grows is the client.
    /// </summary>
    [Fact]
    public async Task Message_Of200MiB_TakesLessMemoryThanItsSize()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var piece = new DeltaDiscoveryResponse { Resources = { MessageMisbehaviourTests.Padded("w", 1024 * 1024) } }.ToByteArray();
        var rest = new DeltaDiscoveryResponse { TypeUrl = TypeUrls.Address, Nonce = "nonce" }.ToByteArray();
        const int Pieces = 199;
        var length = (Pieces * piece.Length) + rest.Length;
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var highest = WatchHeapAsync(stop.Token);

        await stream.SendHeadAsync((uint)length);
        for (var i = 0; i < Pieces; i++)
        {
            await stream.SendPieceAsync(piece);
        }

        await stream.SendPieceAsync(rest);
        Assert.Null((await stream.ReadAsync()).ErrorDetail);
        await stop.CancelAsync();
        var peak = await highest - before;

        Assert.Single(fixture.Snapshot.Workloads);
        TestContext.Current.TestOutputHelper!.WriteLine($"message {length} bytes, heap at most {peak} bytes more");
        Assert.InRange(peak, 0, length);
    }

    private static async Task<long> WatchHeapAsync(CancellationToken stop)
    {
        var highest = 0L;
        while (!stop.IsCancellationRequested)
        {
            highest = Math.Max(highest, GC.GetTotalMemory(forceFullCollection: false));
            await Task.Delay(1, CancellationToken.None);
        }

        return highest;
    }
}
