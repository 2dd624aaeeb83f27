using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Memory;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>
/// Streams that nobody reads from, with windows of 4 MiB offered to each: memory stays within the connection's budget, and
/// their neighbours on the same connection go on (RFC 9113 sections 5.2.2 and 6.9.2).
/// </summary>
public sealed class StalledReadersTests() : HboneServerFixture(Options)
{
    private const int Budget = 64 * 1024 * 1024;
    private const int Window = 4 * 1024 * 1024;
    private const int Piece = 64 * 1024;

    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private static readonly HboneEndpointOptions Options = new()
    {
        Http2 = new Http2Options { MaxConcurrentStreams = 1_100, ConnectionMemory = Budget, StreamWindowSize = Window },
        Memory = new MemoryBudget(long.MaxValue),
    };

    [Theory]
    [InlineData(10)]
    [InlineData(200)]
    [InlineData(1_000)]
    [Requirement("9113-10.5-11")]
    public async Task Section692_StalledReadersAtOnce_BudgetHoldsAndOneMoreStreamMoves(int stalled)
    {
        await using var client = await ConnectAsync();
        var server = await ConnectionAsync();
        var filling = new List<Task>();
        for (var i = 0; i < stalled; i++)
        {
            filling.Add(FillAsync((await TunnelAsync(client)).Client));
        }

        await AssertMovesAsync(client, 64 * 1024 * 1024);

        Assert.InRange(server.Memory.Peak, 1, Budget);
        Assert.Null(server.Failure);
        Assert.Equal(0, server.Memory.Shed);
        await client.DisposeAsync();
        await Task.WhenAll(filling);
    }

    [Fact]
    public async Task Section692_StalledReadersOneAfterTheOther_BudgetHoldsAndOneMoreStreamMoves()
    {
        await using var client = await ConnectAsync();
        var server = await ConnectionAsync();
        var filling = new List<Task>();
        for (var i = 0; i < 1_000; i++)
        {
            var tunnel = await TunnelAsync(client);
            filling.Add(FillAsync(tunnel.Client));

            // Whatever the next one gets, this one has taken what its window allowed.
            await Eventually.TrueAsync(() => tunnel.Client.TakeCredit(1) is var credit && GaveBack(tunnel.Client, credit) == 0);
        }

        await AssertMovesAsync(client, 64 * 1024 * 1024);

        Assert.InRange(server.Memory.Peak, 1, Budget);
        Assert.Equal(0, server.Memory.Shed);
        await client.DisposeAsync();
        await Task.WhenAll(filling);
    }

    [Fact]
    public async Task Section691_ReadersGoOn_EverythingArrivesAndMemoryReturns()
    {
        await using var client = await ConnectAsync();
        var server = await ConnectionAsync();
        var tunnels = new List<(Http2Stream Client, Http2Stream Server)>();
        var sending = new List<Task>();
        for (var i = 0; i < 100; i++)
        {
            var tunnel = await TunnelAsync(client);
            tunnels.Add(tunnel);
            sending.Add(SendAsync(tunnel.Client, 1024 * 1024, seed: i));
        }

        await Eventually.TrueAsync(() => server.MemoryUsed > Budget / 4);
        var received = await Task.WhenAll(tunnels.Select(tunnel => tunnel.Server.ReadToEndAsync()));

        await Task.WhenAll(sending);
        for (var i = 0; i < received.Length; i++)
        {
            Assert.True(Bytes(1024 * 1024, seed: i).AsSpan().SequenceEqual(received[i]), $"stream {i} is damaged");
        }

        Assert.InRange(server.Memory.Peak, 1, Budget);
        await Eventually.TrueAsync(() => server.MemoryUsed == 0);
    }

    [Fact]
    public async Task Section692_PeerThatIgnoresTheNarrowerWindow_LosesTheStreamOnly()
    {
        await using var peer = await DialAsync();
        var server = await ConnectionAsync();
        var requests = new List<ConnectRequest>();
        for (var id = 1; id <= 9; id += 2)
        {
            requests.Add(await OpenAsync(peer, id));
        }

        const int Each = Window * 13 / 16;
        for (var sent = 0; sent < requests.Count * Each; sent += Piece)
        {
            await peer.SendAsync(RawFrame.Data(1 + (2 * (sent / Each)), new byte[Piece]));
        }

        // It reads that its windows are narrower, says so, and sends as if they were not.
        await peer.ReadAsync(f => f.Type == FrameType.Settings && !f.Has(RawFrame.Ack));
        await peer.SendAsync(RawFrame.SettingsAck(), RawFrame.SettingsAck());
        await peer.SendAsync(RawFrame.Data(9, new byte[Piece]));

        var reset = await peer.ReadAsync(FrameType.RstStream);
        Assert.Equal(RawFrame.Reset(9, Http2ErrorCode.FlowControlError), reset.ToBytes());
        Assert.Null(server.Failure);
        Assert.Equal([9], requests.Where(r => r.Stream.Failure is not null).Select(r => r.Stream.Id));
    }

    [Fact]
    [Requirement("9113-10.5-10")]
    public async Task PeerThatDoesNotRead_WhatWaitsForItIsBounded()
    {
        await using var peer = await DialAsync(receiveBuffer: 4_096);
        await peer.SendAsync(RawFrame.Settings((4, int.MaxValue)), RawFrame.WindowUpdate(0, int.MaxValue - 65_535));
        var server = await ConnectionAsync();
        var writing = new List<Task>();
        for (var id = 1; id < 201; id += 2)
        {
            await peer.SendAsync(RawFrame.Connect(id));
            var request = await NextRequestAsync();
            request.Accept();
            writing.Add(FillAsync(request.Stream));
        }

        // Everybody writes until nobody may: what was granted is at most a sixteenth of the budget.
        await Eventually.TrueAsync(() => writing.TrueForAll(task => !task.IsCompleted) && !server.CanQueueMore);

        Assert.InRange(server.QueuedBytes, 1, Budget / 16);
        await server.DisposeAsync();
        await Task.WhenAll(writing);
    }

    [Fact]
    public async Task IdleStreamsAndConnections_HoldNoPayloadBuffer()
    {
        await using var client = await ConnectAsync();
        var server = await ConnectionAsync();
        for (var i = 0; i < 50; i++)
        {
            var (ours, theirs) = await TunnelAsync(client);
            Assert.True(await ours.SendAsync("ping"u8.ToArray()));
            var read = await theirs.ReadAsync();
            theirs.Return(read);
        }

        await Eventually.TrueAsync(() => server.MemoryUsed == 0 && client.MemoryUsed == 0);
    }

    private static int GaveBack(Http2Stream stream, int credit)
    {
        stream.GiveBackCredit(credit);
        return credit;
    }

    private static byte[] Bytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task SendAsync(Http2Stream stream, int length, int seed)
    {
        Assert.True(await stream.SendAsync(Bytes(length, seed)));
        stream.CompleteWrites();
    }

    // Sends as long as the peer lets it.
    private static async Task FillAsync(Http2Stream stream)
    {
        var payload = new byte[Piece];
        while (await stream.SendAsync(payload))
        {
            // Until the connection ends.
        }
    }

    private async Task<(Http2Stream Client, Http2Stream Server)> TunnelAsync(Http2Connection client)
    {
        var stream = client.TryOpen(Request);
        Assert.NotNull(stream);
        var request = await NextRequestAsync();
        request.Accept();
        Assert.Equal(200, (await client.WaitAnswerAsync(stream)).Status);
        return (stream, request.Stream);
    }

    private async Task AssertMovesAsync(Http2Connection client, int length)
    {
        var (ours, theirs) = await TunnelAsync(client);
        var sending = SendAsync(ours, length, seed: 7);
        var received = await theirs.ReadToEndAsync();
        await sending;
        Assert.True(Bytes(length, seed: 7).AsSpan().SequenceEqual(received), "the stream that moves is damaged");
    }
}
