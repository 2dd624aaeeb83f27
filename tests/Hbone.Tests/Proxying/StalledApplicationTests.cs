using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Memory;
using Hbone.Proxying;
using Hbone.Tests.Http2;

namespace Hbone.Tests.Proxying;

/// <summary>Applications behind a tunnel that do not read, or vanish while nobody can read from them.</summary>
public sealed class StalledApplicationTests : HboneServerFixture
{
    private const int Budget = 8 * 1024 * 1024;
    private const int Tunnels = 150;
    private const int Length = 512 * 1024;

    private readonly ManualTime _time;

    public StalledApplicationTests()
        : this(new ManualTime())
    {
    }

    private StalledApplicationTests(ManualTime time)
        : base(
            new HboneEndpointOptions
            {
                Http2 = new Http2Options { ConnectionMemory = Budget },
                Memory = new MemoryBudget(long.MaxValue),
            },
            time) => _time = time;

    [Fact]
    public async Task ManyThatDoNotRead_MemoryStaysInTheBudgetAndEverythingArrivesLater()
    {
        await using var client = await ConnectAsync();
        var server = await ConnectionAsync();
        var applications = new List<SocketPair>();
        var copies = new List<Task<CopyResult>>();
        var sending = new List<Task<bool>>();
        for (var i = 0; i < Tunnels; i++)
        {
            var stream = client.TryOpen([new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")])!;
            var request = await NextRequestAsync();
            var pair = await SocketPair.ConnectAsync(Token);
            pair.Application.ReceiveBufferSize = 4_096;
            pair.Proxy.SendBufferSize = 4_096;
            applications.Add(pair);
            request.Accept();
            copies.Add(TunnelCopy.RunAsync(request.Stream, pair.Proxy, socketIsClient: false, new Counters()));
            sending.Add(SendAsync(stream, Bytes(i)));
        }

        await Eventually.TrueAsync(() => server.MemoryUsed > Budget / 2 || sending.TrueForAll(s => s.IsCompleted));
        var received = await Task.WhenAll(applications.Select(pair => ReadAsync(pair)));
        Assert.All(await Task.WhenAll(sending), Assert.True);

        for (var i = 0; i < Tunnels; i++)
        {
            Assert.True(Bytes(i).AsSpan().SequenceEqual(received[i]), $"what application {i} got is damaged: {received[i].Length} bytes, {server.Memory.Shed} shed, peak {server.Memory.Peak}");
            applications[i].Dispose();
        }

        Assert.InRange(server.Memory.Peak, 1, Budget);
        Assert.Equal(0, server.Memory.Shed);
        await Task.WhenAll(copies);
        await Eventually.TrueAsync(() => server.MemoryUsed == 0);
    }

    [Fact]
    public async Task VanishesWhileThePeerGrantsNothing_StreamIsReset()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var request = await OpenAsync(peer, 1);
        using var pair = await SocketPair.ConnectAsync(Token);
        var copy = TunnelCopy.RunAsync(request.Stream, pair.Proxy, socketIsClient: false, new Counters());
        await pair.Application.SendAsync("nobody takes this"u8.ToArray(), Token);
        await Eventually.TrueAsync(() => request.Stream.IsStalled);

        pair.Reset();
        await Eventually.TrueAsync(() => SocketReset.IsGone(pair.Proxy));
        _time.Advance(TimeSpan.FromSeconds(10));

        var reset = await peer.ReadAsync(FrameType.RstStream);
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.ConnectError), reset.ToBytes());
        Assert.NotNull((await copy).Down);
        await OpenAsync(peer, 3);
    }

    [Fact]
    public async Task EndsBothWaysWhileThePeerGrantsNothing_NothingIsLost()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var request = await OpenAsync(peer, 1);
        using var pair = await SocketPair.ConnectAsync(Token);
        var copy = TunnelCopy.RunAsync(request.Stream, pair.Proxy, socketIsClient: false, new Counters());
        await pair.Application.SendAsync("later"u8.ToArray(), Token);
        await Eventually.TrueAsync(() => request.Stream.IsStalled);

        await peer.SendAsync(RawFrame.Data(1, [], endStream: true));
        Assert.Equal(0, await pair.Application.ReceiveAsync(new byte[1], Token));
        pair.Application.Dispose(); // FIN: the proxy's end is in TCP_CLOSE now, with bytes unread
        await Eventually.TrueAsync(() => IsClosed(pair.Proxy));
        Assert.False(SocketReset.IsGone(pair.Proxy));
        _time.Advance(TimeSpan.FromSeconds(10));
        await peer.SendAsync(RawFrame.WindowUpdate(1, 100));

        var data = await peer.ReadAsync(FrameType.Data);
        Assert.Equal("later"u8, data.Payload);
        Assert.Equal(new CopyResult(null, null), await copy);
    }

    private static bool IsClosed(Socket socket)
    {
        var info = new byte[1]; // tcpi_state of struct tcp_info
        return socket.GetRawSocketOption(6, 11, info) == 1 && info[0] == 7;
    }

    private static byte[] Bytes(int seed)
    {
        var bytes = new byte[Length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static async Task<bool> SendAsync(Http2Stream stream, byte[] bytes)
    {
        var sent = await stream.SendAsync(bytes);
        stream.CompleteWrites();
        return sent;
    }

    private static async Task<byte[]> ReadAsync(SocketPair pair)
    {
        using var all = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await pair.Application.ReceiveAsync(buffer, Token) is > 0 and var read)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }
}
