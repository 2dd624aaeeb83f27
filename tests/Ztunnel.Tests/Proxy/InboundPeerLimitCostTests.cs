using System.Net;
using System.Net.Sockets;
using Hbone.Tls;
using Ztunnel.Config;
using BoundedCost = Fixtures.BoundedCost;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.Proxy;

/// <summary>
/// What connections beyond the limits of a peer cost us, both ends together since both are in this process: bounded memory
/// and time of the processor, no descriptor, and nothing that stays.
/// </summary>
[Collection(Fixtures.RunsAlone.Name)]
public sealed class InboundPeerLimitCostTests
{
    private const long Retained = 8 * 1024 * 1024;
    private static readonly SpiffeId Alice = new("cluster.local", "default", "alice");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Handshakes_AboveTheLimit_CostIsBounded()
    {
        const int Refused = 1_000;
        await using var inbound = new InboundListener(new ProxyOptions { MaxHandshakesPerPeer = 1 }, new ManualTime());
        using var first = await inbound.DialAsync(IPAddress.Loopback);
        await RefuseHandshakesAsync(inbound, 50);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var cost = BoundedCost.OfThisProcess();

        await RefuseHandshakesAsync(inbound, Refused);

        cost.Pause();
        cost.AssertWithin(Refused * 128L * 1024, TimeSpan.FromSeconds(10)); // usual: 6 KiB and 0.2 ms each
        await Waiting.UntilAsync(() => inbound.Active == 1 && inbound.OpenSockets() == 1, Token);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Retained);
    }

    [Fact]
    public async Task Connections_AboveTheLimit_CostIsBounded()
    {
        const int Refused = 100;
        await using var inbound = new InboundListener(new ProxyOptions { MaxConnectionsPerPeer = 1 });
        var (first, _) = await inbound.ConnectAsync(Alice, IPAddress.Loopback);
        using var application = InboundFixture.Listen();
        Assert.Equal(200, (await InboundListener.RequestAsync(first, application)).Status);
        await RefuseConnectionsAsync(inbound, 10);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var cost = BoundedCost.OfThisProcess();

        await RefuseConnectionsAsync(inbound, Refused);

        cost.Pause();
        cost.AssertWithin(Refused * 2L * 1024 * 1024, TimeSpan.FromSeconds(30)); // usual: 64 KiB and 6 ms each
        await Waiting.UntilAsync(() => inbound.Active == 2 && inbound.OpenSockets() == 1, Token); // with its request
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Retained);
        Assert.Null(first.Failure);
        await first.DisposeAsync();
    }

    /// <summary>A peer that sends one octet of its handshake a second, from the one handshake that it may have.</summary>
    [Fact]
    public async Task Handshakes_ThatTrickle_CostIsBounded()
    {
        var time = new ManualTime();
        await using var inbound = new InboundListener(new ProxyOptions { MaxHandshakesPerPeer = 1 }, time);
        await TrickleAsync(inbound, time);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var cost = BoundedCost.OfThisProcess();

        for (var i = 0; i < 20; i++)
        {
            await TrickleAsync(inbound, time);
        }

        cost.Pause();
        cost.AssertWithin(32 * 1024 * 1024, TimeSpan.FromSeconds(30)); // usual: 0.4 MiB and 0.6 s, most of it our waiting
        await Waiting.UntilAsync(() => inbound.OpenSockets() == 0, Token);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Retained);
    }

    private static async Task RefuseHandshakesAsync(InboundListener inbound, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await inbound.DialResetAsync(IPAddress.Loopback);
        }
    }

    private static async Task RefuseConnectionsAsync(InboundListener inbound, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (connection, _) = await inbound.ConnectAsync(Alice, IPAddress.Loopback);
            await connection.Completion.WaitAsync(InboundFixture.Limit, Token);
            await connection.DisposeAsync();
        }
    }

    private static async Task TrickleAsync(InboundListener inbound, ManualTime time)
    {
        using var socket = await inbound.DialAsync(IPAddress.Loopback);
        await socket.SendAsync(new byte[] { 0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3 }, Token);
        await Waiting.UntilAsync(() => inbound.Active == 1, Token);
        await Waiting.UntilAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return inbound.Active == 0 || !TrySend(socket);
            },
            Token);
        await Waiting.UntilAsync(() => inbound.Active == 0, Token);
    }

    private static bool TrySend(Socket socket)
    {
        try
        {
            return socket.Send([0]) == 1;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
