using System.Buffers.Binary;
using Hbone.Http2;
using Hbone.Memory;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2.Abuse;

/// <summary>
/// Clients that begin something and let it wait (RFC 9113 section 10.5), by a clock that the test turns: when it is over,
/// and what it cost until then, on the one thread that everything runs on.
/// </summary>
public sealed class HoardingCostTests
{
    private const int Hoarded = 120;

    // Usual are below 0.5 MiB and 20 ms.
    private const long Memory = 4 * 1024 * 1024;
    private static readonly TimeSpan Cpu = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    private static readonly Http2Options Options = new();

    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(0)]
    [InlineData(23)]
    [InlineData(24)]
    public async Task Section34_PrefaceNeverFinished_CostIsBounded(int octets)
    {
        using var peer = new InlinePeer();
        var cost = BoundedCost.OfThisThread();
        await using var connection = Start(peer);
        peer.Say(RawFrame.Preface[..octets]);

        _time.Advance(Tick);

        cost.Pause();
        Assert.Equal(Http2ErrorCode.SettingsTimeout, connection.Failure?.Code);
        cost.AssertWithin(Memory, Cpu);
    }

    [Fact]
    public async Task Section610_HeaderBlockThatTrickles_CostIsBounded()
    {
        using var peer = new InlinePeer();
        await using var connection = Start(peer);
        peer.Say(
            RawFrame.Preface,
            RawFrame.Settings(),
            RawFrame.Of(FrameType.Headers, 0, 1, RawFrame.Block((":method", "CONNECT"))));
        var cost = BoundedCost.OfThisThread();

        var ticks = 0;
        for (; ticks < 100 && connection.Failure is null; ticks++)
        {
            peer.Say(RawFrame.Of(FrameType.Continuation, 0, 1, 0));
            _time.Advance(Tick);
        }

        cost.Pause();
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Equal(3, ticks);
        cost.AssertWithin(Memory, Cpu);
    }

    [Fact]
    public async Task Section69_WindowsThatAreNeverOpened_CostIsBounded()
    {
        using var peer = new InlinePeer();
        var writing = new List<Task<bool>>();
        var payload = new byte[100_000];
        await using var connection = Start(peer, request =>
        {
            request.Accept();
            writing.Add(request.Stream.SendAsync(payload));
        });
        var cost = BoundedCost.OfThisThread();
        peer.Say(RawFrame.Preface, RawFrame.Settings((4, 0)));
        peer.Say([.. Enumerable.Range(0, Hoarded).Select(i => RawFrame.Connect((2 * i) + 1))]);
        Assert.Equal(Hoarded, writing.Count);

        var ticks = 0;
        for (; ticks < 100 && connection.Failure is null; ticks++)
        {
            peer.Say(RawFrame.Ping("livelive")); // so that it is not its silence that ends it
            _time.Advance(Tick);
        }

        cost.Pause();
        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Equal(31, ticks); // the first has seen SETTINGS, which may open windows
        Assert.InRange(connection.Memory.Peak, 0, 128 * 1024); // one read's buffer, and nothing of the payload
        Assert.All(await Task.WhenAll(writing), Assert.False);
        cost.AssertWithin(Memory, Cpu);
    }

    [Fact]
    [Requirement("9113-10.5-10", Role = Role.Server)]
    public async Task Section105_PeerThatTakesNothing_CostIsBounded()
    {
        using var peer = new InlinePeer { IsDeaf = true };
        var writing = new List<Task<bool>>();
        var payload = new byte[1024 * 1024];
        await using var connection = Start(peer, request =>
        {
            request.Accept();
            writing.Add(request.Stream.SendAsync(payload));
        });
        var cost = BoundedCost.OfThisThread();
        peer.Say(
            RawFrame.Preface,
            RawFrame.Settings((4, int.MaxValue)),
            RawFrame.WindowUpdate(0, int.MaxValue - 65_535));
        peer.Say([.. Enumerable.Range(0, Hoarded).Select(i => RawFrame.Connect((2 * i) + 1))]);
        for (var i = 0; i < 400; i++)
        {
            peer.Say(RawFrame.Ping("floodfld")); // answers wait too
        }

        cost.Pause();
        Assert.False(connection.CanQueueMore);
        Assert.InRange(connection.QueuedBytes, 1, Options.ConnectionMemory / 16);
        cost.AssertWithin(Options.ConnectionMemory / 2, Cpu);
        await connection.DisposeAsync();
        Assert.All(await Task.WhenAll(writing), Assert.False);
    }

    [Fact]
    [Requirement("9113-10.5-11", Role = Role.Server)]
    public async Task Section52_NobodyReadsWhatAPeerSends_CostIsBounded()
    {
        using var peer = new InlinePeer();
        await using var connection = Start(peer);
        peer.Say(RawFrame.Preface, RawFrame.Settings());
        peer.Say([.. Enumerable.Range(0, Hoarded).Select(i => RawFrame.Connect((2 * i) + 1))]);
        var piece = RawFrame.Data(1, new byte[64 * 1024]);
        var cost = BoundedCost.OfThisThread();

        var sent = 0L;
        for (var id = 1; sent < 256 * 1024 * 1024 && connection.Failure is null; id = (id + 2) % (2 * Hoarded))
        {
            BinaryPrimitives.WriteInt32BigEndian(piece.AsSpan(5), id);
            peer.Say(piece);
            sent += piece.Length;
        }

        cost.Pause();
        Assert.InRange(sent, 2L * Options.ConnectionMemory, long.MaxValue); // what was not granted costs the stream
        Assert.InRange(connection.Memory.Peak, 1, Options.ConnectionMemory);
        cost.AssertWithin(2L * Options.ConnectionMemory, Cpu);
    }

    /// <summary>RFC 7541 section 6.3: a table beyond the limit is a decoding error; nothing is set aside for it.</summary>
    [Fact]
    public async Task Section63_TableBeyondTheLimit_CostIsBounded()
    {
        using var peer = new InlinePeer();
        await using var connection = Start(peer);
        peer.Say(RawFrame.Preface, RawFrame.Settings());
        var cost = BoundedCost.OfThisThread();

        peer.Say(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0x3f, 0xe0, 0xff, 0xff, 0xff, 0x07)); // 2^31-1

        cost.Pause();
        Assert.Equal(Http2ErrorCode.CompressionError, connection.Failure?.Code);
        cost.AssertWithin(Memory, Cpu);
    }

    private Http2Connection Start(InlinePeer peer, Action<ConnectRequest>? serve = null)
    {
        var role = Http2Role.Server(Options, serve ?? (request => request.Accept()));
        var connection = new Http2Connection(peer, role, new MemoryBudget(long.MaxValue), _time);
        InlinePeer.Start(connection);
        return connection;
    }
}
