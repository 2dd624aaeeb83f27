using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Memory;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2.Abuse;

/// <summary>
/// What a flood costs us before we end it (RFC 9113 section 10.5), measured on the one thread that works it off: a fixed
/// number of frames, bounded memory, bounded time of the processor. The clock stands still, so nothing is refilled.
/// </summary>
public sealed class FloodCostTests
{
    private const int InOneWrite = 100;

    // Usual are below 4 MiB and 0.2 s, for the header lists; all others cost a tenth of that at most.
    private const long Memory = 16 * 1024 * 1024;
    private static readonly TimeSpan Cpu = TimeSpan.FromSeconds(8);

    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private readonly ManualTime _time = new();

    public static TheoryData<string> ByClients { get; } = [.. Floods.OfClients.Select(flood => flood.Name)];

    public static TheoryData<string> ByServers { get; } = [.. Floods.OfServers.Select(flood => flood.Name)];

    [Theory]
    [MemberData(nameof(ByClients))]
    [Requirement(
        "9113-10.5-1", "9113-10.5-2", "9113-10.5-3", "9113-10.5-4", "9113-10.5-5", "9113-10.5-6", "9113-10.5-8", "9113-10.5-12",
        Role = Role.Server)]
    public async Task Section105_FloodOfAClient_CostIsBounded(string name)
    {
        var flood = Floods.OfClients.Single(flood => flood.Name == name);
        var role = Http2Role.Server(new Http2Options(), request =>
        {
            if (flood.Answers || request.Stream.Id <= 3)
            {
                request.Accept();
            }
        });
        using var peer = new InlinePeer();
        await using var connection = new Http2Connection(peer, role, new MemoryBudget(long.MaxValue), _time);
        InlinePeer.Start(connection);
        peer.Say(
            RawFrame.Preface,
            RawFrame.Settings(),
            RawFrame.Connect(1),
            RawFrame.Connect(3),
            RawFrame.Reset(3, Http2ErrorCode.Cancel));

        AssertBounded(flood, connection, peer);
        await connection.Completion;
        Assert.Equal(0, connection.MemoryUsed);
    }

    [Theory]
    [MemberData(nameof(ByServers))]
    [Requirement(
        "9113-10.5-1", "9113-10.5-2", "9113-10.5-5", "9113-10.5-6", "9113-10.5-8", "9113-10.5-9", "9113-10.5-12",
        Role = Role.Client)]
    public async Task Section105_FloodOfAServer_CostIsBounded(string name)
    {
        var flood = Floods.OfServers.Single(flood => flood.Name == name);
        var role = Http2Role.Client(new Http2Options());
        using var peer = new InlinePeer();
        await using var connection = new Http2Connection(peer, role, new MemoryBudget(long.MaxValue), _time);
        InlinePeer.Start(connection);
        peer.Say(RawFrame.Settings());
        Assert.Equal(1, connection.TryOpen(Request)!.Id);
        connection.TryOpen(Request)!.Reset(Http2ErrorCode.Cancel);

        AssertBounded(flood, connection, peer);
        await connection.Completion;
        Assert.Equal(0, connection.MemoryUsed);
    }

    private static void AssertBounded(Flood flood, Http2Connection connection, InlinePeer peer)
    {
        peer.Say(flood.Opening);
        Assert.Null(connection.Failure);
        var heard = peer.Heard;
        var cost = BoundedCost.OfThisThread();
        cost.Pause();
        var sent = 0;
        var octets = 0L;
        while (connection.Failure is null && sent < flood.Repetitions + InOneWrite)
        {
            byte[] write = [.. Enumerable.Range(sent, InOneWrite).SelectMany(flood.Frames)];
            sent += InOneWrite;
            octets += write.Length;
            cost.Resume();
            peer.Say(write);
            cost.Pause();
        }

        Assert.Equal(Http2ErrorCode.EnhanceYourCalm, connection.Failure?.Code);
        Assert.Equal(flood.Reason, connection.Failure!.Message);
        Assert.InRange(peer.Heard - heard, 0, octets + 1_000);
        cost.AssertWithin(Memory, Cpu);
    }
}
