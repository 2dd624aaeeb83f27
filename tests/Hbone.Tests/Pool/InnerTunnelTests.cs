using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hbone.Http2;
using Hbone.Memory;
using Hbone.Pool;
using Hbone.Tests.Http2;

namespace Hbone.Tests.Pool;

/// <summary>Tunnels inside tunnels: who shares which, and that bytes, ends and resets get through both.</summary>
public sealed class InnerTunnelTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(200);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task SameKey_SharesTheInnerConnection()
    {
        await using var chain = new InnerTunnelFixture();

        var first = await chain.OpenBothAsync();
        var second = await chain.OpenBothAsync();

        await AssertCarriesAsync(first);
        await AssertCarriesAsync(second);
        Assert.Equal((1, 1, 1), (chain.Gateway.Established, chain.AtGateway.Count, chain.Server.Established));
        var outer = Assert.Single(chain.AtGateway);
        Assert.Equal("web.example.com:80", outer.Authority);
        Assert.Empty(outer.Headers);
    }

    [Fact]
    public async Task OtherServiceOrIdentity_OtherInnerConnection_OneOuter()
    {
        await using var chain = new InnerTunnelFixture();

        await chain.OpenBothAsync();
        await chain.OpenBothAsync(chain.Key(authority: "web.example.com:81"));
        var widened = chain.Key();
        await chain.OpenBothAsync(widened with { Expected = [.. widened.Expected, .. widened.Outer!.Expected] });

        Assert.Equal((1, 3, 3), (chain.Gateway.Established, chain.AtGateway.Count, chain.Server.Established));
    }

    [Fact]
    public async Task NotShared_EveryTunnelHasItsOwn_WhichEndsWithIt()
    {
        await using var chain = new InnerTunnelFixture(new HbonePoolOptions { SharesConnections = false });

        var tunnels = new List<(Http2Stream AtClient, Http2Stream AtServer)>();
        for (var i = 0; i < 4; i++)
        {
            tunnels.Add(await chain.OpenBothAsync());
        }

        Assert.Equal((1, 4), (chain.Gateway.Established, chain.AtGateway.Count));
        await Eventually.TrueAsync(() => chain.Server.Alive == 4);
        foreach (var tunnel in tunnels)
        {
            await AssertCarriesAsync(tunnel);
            await EndAsync(tunnel);
        }

        await Eventually.TrueAsync(() => chain.Server.Alive == 0);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 1);
        Assert.All(chain.AtGateway, request => Assert.Null(request.Stream.Failure)); // ended, not reset
    }

    [Fact]
    public async Task NotShared_OpenedTogether_DoNotWaitForOneAnother()
    {
        await using var chain = new InnerTunnelFixture(new HbonePoolOptions { SharesConnections = false });

        var opening = Enumerable.Range(0, 8).Select(_ => chain.OpenAsync()).ToList();
        var requests = new List<ConnectRequest>();
        for (var i = 0; i < 8; i++)
        {
            requests.Add(await chain.NextRequestAsync()); // none is answered before all are there
        }

        requests.ForEach(request => request.Accept());
        await Task.WhenAll(opening);
        await Eventually.TrueAsync(() => chain.Server.Alive == 8);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task MuchInBothDirections_ArrivesWhole(bool shared)
    {
        var memory = new MemoryBudget(long.MaxValue);
        await using (var chain = new InnerTunnelFixture(
            new HbonePoolOptions { SharesConnections = shared }, new HboneEndpointOptions { Memory = memory }))
        {
            var tunnels = new[] { await chain.OpenBothAsync(), await chain.OpenBothAsync() };
            var payloads = tunnels.Select((_, i) => Noise(8_000_000 + i, seed: i)).ToArray();

            await Task.WhenAll(tunnels.SelectMany((tunnel, i) => new[]
            {
                SendWholeAsync(tunnel.AtClient, payloads[i]),
                SendWholeAsync(tunnel.AtServer, payloads[i]),
                AssertArrivesAsync(tunnel.AtServer, payloads[i]),
                AssertArrivesAsync(tunnel.AtClient, payloads[i]),
            }));
        }

        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public async Task StalledReader_HoldsItsOwnTunnelBack_NotItsNeighbours()
    {
        var memory = new MemoryBudget(long.MaxValue);
        await using var chain = new InnerTunnelFixture(endpoint: new HboneEndpointOptions { Memory = memory });
        var stalled = await chain.OpenBothAsync();
        var neighbour = await chain.OpenBothAsync();
        var payload = Noise(32_000_000, seed: 1);

        var sending = SendWholeAsync(stalled.AtClient, payload);
        var receiving = SendWholeAsync(stalled.AtServer, payload);
        for (var i = 0; i < 20; i++)
        {
            await AssertCarriesAsync(neighbour);
        }

        Assert.False(sending.IsCompleted || receiving.IsCompleted);
        Assert.True(memory.Peak < 24 * 1024 * 1024, $"{memory.Peak} bytes");
        await Task.WhenAll(
            sending,
            receiving,
            AssertArrivesAsync(stalled.AtServer, payload),
            AssertArrivesAsync(stalled.AtClient, payload));
    }

    [Fact]
    public async Task ServerThatReadsNothing_IsSentNoMoreThanTheOuterWindowTakes()
    {
        const int Widest = int.MaxValue;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var memory = new MemoryBudget(long.MaxValue);
        await using var chain = new InnerTunnelFixture(endpoint: new HboneEndpointOptions { Memory = memory })
        {
            Behind = (IPEndPoint)listener.LocalEndPoint!,
        };
        var opening = chain.OpenAsync();
        await using var peer = await RawPeer.AcceptHttp2Async(
            listener, chain.ServerLeaf.Trusting(chain.Root), ((int)SettingId.InitialWindowSize, Widest));
        await peer.SendAsync(
            RawFrame.WindowUpdate(0, Widest - 65_535), RawFrame.Headers(1, endStream: false, (":status", "200")));
        var tunnel = await opening;

        var sending = SendWholeAsync(tunnel.Stream, new byte[64_000_000]);
        await Eventually.TrueAsync(() => tunnel.Stream.IsStalled);
        Assert.True(memory.Peak < 16 * 1024 * 1024, $"{memory.Peak} bytes");

        var received = 0;
        await peer.ReadAsync(frame =>
        {
            received += frame.Type == FrameType.Data ? frame.Payload.Length : 0;
            return frame.Type == FrameType.Data && frame.Has(FrameHeader.EndStream);
        });
        await sending;
        Assert.Equal(64_000_000, received);
    }

    [Fact]
    public async Task HalfClosed_StaysHalfClosed()
    {
        await using var chain = new InnerTunnelFixture();
        var tunnel = await chain.OpenBothAsync();

        tunnel.AtClient.CompleteWrites();
        Assert.Empty(await tunnel.AtServer.ReadToEndAsync());
        await SendWholeAsync(tunnel.AtServer, Noise(100_000, seed: 3));

        Assert.Equal(Noise(100_000, seed: 3), await tunnel.AtClient.ReadToEndAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reset_ReachesTheOtherEnd_NotTheNeighbours(bool byServer)
    {
        await using var chain = new InnerTunnelFixture();
        var tunnel = await chain.OpenBothAsync();
        var neighbour = await chain.OpenBothAsync();
        var (from, to) = byServer ? (tunnel.AtServer, tunnel.AtClient) : (tunnel.AtClient, tunnel.AtServer);

        from.Reset(Http2ErrorCode.ConnectError);

        Assert.Equal(StreamReadKind.Reset, (await to.ReadAsync()).Kind);
        Assert.Equal(Http2ErrorCode.ConnectError, Assert.IsType<Http2StreamException>(to.Failure).Code);
        await AssertCarriesAsync(neighbour);
    }

    [Fact]
    public async Task Unused_InnerClosesInOrder_ThenOuter()
    {
        await using var chain = new InnerTunnelFixture(new HbonePoolOptions { UnusedReleaseTimeout = Soon });
        var tunnel = await chain.OpenBothAsync();
        await EndAsync(tunnel);

        await Eventually.TrueAsync(() => chain.Server.Alive == 0);
        await Eventually.TrueAsync(() => chain.Gateway.Alive == 0);

        Assert.Null(Assert.Single(chain.AtGateway).Stream.Failure);
        Assert.Equal("connection drained", Assert.Single(chain.Server.Connections).Failure?.Message);
        await AssertCarriesAsync(await chain.OpenBothAsync());
    }

    [Theory]
    [InlineData(true, 3_000)]
    [InlineData(false, 400)]
    public async Task ManyShortTunnels_LoseNoLastByte(bool shared, int count)
    {
        var received = new ConcurrentBag<string>();
        await using var chain = new InnerTunnelFixture(
            new HbonePoolOptions { SharesConnections = shared }, serve: request => _ = AnswerAsync(request, received));

        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = 16, CancellationToken = Token },
            async (i, stopped) =>
            {
                var tunnel = await chain.OpenForAsync(stopped);
                await SendWholeAsync(tunnel.Stream, Encoding.ASCII.GetBytes($"request {i}"));
                Assert.Equal($"answer to request {i}", await TextAsync(tunnel.Stream));
            });

        Assert.Equal(
            Enumerable.Range(0, count).Select(i => $"request {i}").Order(StringComparer.Ordinal),
            received.Order(StringComparer.Ordinal));

        static async Task AnswerAsync(ConnectRequest request, ConcurrentBag<string> received)
        {
            request.Accept();
            var text = await TextAsync(request.Stream);
            received.Add(text);
            await SendWholeAsync(request.Stream, Encoding.ASCII.GetBytes($"answer to {text}"));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PoolClosed_LiveTunnelsBreak(bool innerFirst)
    {
        var memory = new MemoryBudget(long.MaxValue);
        await using (var chain = new InnerTunnelFixture(endpoint: new HboneEndpointOptions { Memory = memory }))
        {
            var tunnel = await chain.OpenBothAsync();
            await tunnel.AtClient.SendAsync(Noise(1_000_000, seed: 1));

            await (innerFirst ? chain.CloseInnerAsync() : chain.CloseOuterAsync());

            Assert.Equal(StreamReadKind.Reset, (await tunnel.AtClient.ReadAsync()).Kind);
            await Eventually.TrueAsync(() => chain.Server.Alive == 0);
        }

        Assert.Equal(0, memory.Used);
    }

    private static byte[] Noise(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task<string> TextAsync(Http2Stream stream) =>
        Encoding.ASCII.GetString(await stream.ReadToEndAsync());

    private static async Task SendWholeAsync(Http2Stream stream, byte[] payload)
    {
        Assert.True(await stream.SendAsync(payload));
        stream.CompleteWrites();
    }

    private static async Task AssertArrivesAsync(Http2Stream stream, byte[] payload) =>
        Assert.True((await stream.ReadToEndAsync()).AsSpan().SequenceEqual(payload));

    private static async Task AssertCarriesAsync((Http2Stream AtClient, Http2Stream AtServer) tunnel)
    {
        foreach (var (from, to) in new[] { tunnel, (tunnel.AtServer, tunnel.AtClient) })
        {
            Assert.True(await from.SendAsync("hello"u8.ToArray()));
            var read = await to.ReadAsync();
            Assert.Equal("hello"u8, read.Data.Span);
            to.Return(read);
        }
    }

    private static async Task EndAsync((Http2Stream AtClient, Http2Stream AtServer) tunnel)
    {
        tunnel.AtClient.CompleteWrites();
        tunnel.AtServer.CompleteWrites();
        await tunnel.AtServer.ReadToEndAsync();
        await tunnel.AtClient.ReadToEndAsync();
    }
}
