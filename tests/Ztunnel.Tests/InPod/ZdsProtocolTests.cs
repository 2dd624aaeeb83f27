using System.Text;
using Google.Protobuf;
using Ztunnel.InPod;
using Ztunnel.Protos.Zds;

namespace Ztunnel.Tests.InPod;

/// <summary>Node-integration 1: what each packet of istio-cni is answered with.</summary>
public sealed class ZdsProtocolTests : IAsyncDisposable
{
    private readonly ScriptedAgent _agent = new();
    private readonly NodeFixture _node;

    public ZdsProtocolTests() => _node = new NodeFixture(_agent);

    public static TheoryData<string> Slips { get; } =
    [
        "del with a descriptor", "keep with a descriptor", "snapshot with a descriptor", "add without a descriptor",
        "two descriptors", "three descriptors", "add without info", "keep after the snapshot", "second snapshot",
        "no payload", "unknown payload", "not protobuf", "1025 bytes",
    ];

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        _agent.Dispose();
    }

    [Fact]
    public async Task Z1_Connect_SaysHelloFirst()
    {
        _node.Pods.Open();

        using var connection = await _agent.AcceptAsync();

        Assert.Equal([0x08, 0x01], await connection.ReadAsync());
    }

    [Fact]
    public async Task Z2_MinutesOfIdleness_NothingIsSent()
    {
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.SnapshotAsync());

        _node.Time.Advance(TimeSpan.FromSeconds(60));

        // Whatever had been said unasked would come before this answer.
        Assert.Empty(await connection.DeleteAsync("unknown"));
        Assert.Equal(0, connection.Socket.Available);
    }

    [Fact]
    public async Task Z3_Add_ListensBeforeTheAck()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();

        connection.Send(AgentConnection.AddBytes("u"), pod.Handle);
        var answer = await connection.ReadAsync();
        var ports = pod.ListeningPorts();

        Assert.Equal([0x0A, 0x00], answer);
        Assert.Equal([15001, 15006, 15008], ports);
    }

    [Fact]
    public async Task Z3_UnknownFields_AreIgnored()
    {
        using var connection = await _node.OpenAsync();

        // Field 9 as a varint, behind a snapshot.
        Assert.Empty(await connection.AskAsync([.. AgentConnection.SnapshotBytes(), 0x48, 0x01]));
    }

    [Theory]
    [MemberData(nameof(Slips))]
    public async Task Z4_Z5_Slip_IsRefusedAndTheConnectionBegunAnew(string slip)
    {
        using var pod = new TestNetns();
        using var served = new TestNetns();
        using var connection = await _node.OpenAsync();
        Assert.Empty(await connection.AddAsync("served", served.Handle));
        var before = Descriptors.Of(pod);

        var error = await CommitAsync(slip, connection, pod);

        Assert.StartsWith(
            slip is "add without info" or "keep after the snapshot" or "second snapshot"
                ? "failure to process message : "
                : "failure to read message : ",
            error,
            StringComparison.Ordinal);
        Assert.Empty(await connection.ReadAsync());
        using var again = await _node.AcceptAsync();
        Assert.Empty(await again.AddAsync("served", served.Handle));
        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
        Assert.Equal(before, Descriptors.Of(pod));
        Assert.NotEmpty(_node.Log.LinesOf<ZdsClient>(Microsoft.Extensions.Logging.LogLevel.Warning));
    }

    [Fact]
    public async Task Z4_DescriptorThatIsNoNetns_ConcernsThatPodOnly()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();
        using var mounts = File.OpenHandle("/proc/self/ns/mnt");
        using var file = File.OpenHandle("/proc/self/stat");

        var first = await connection.AskAsync(AgentConnection.AddBytes("mounts"), mounts);
        var second = await connection.AskAsync(AgentConnection.AddBytes("file"), file);
        var good = await connection.AddAsync("good", pod.Handle);

        Assert.Equal("failure to start proxy : not a network namespace: of pod mounts", first);
        Assert.Equal("failure to start proxy : not a network namespace: of pod file", second);
        Assert.Empty(good);
        Assert.Equal((1, 0, 1, 0), await _node.CountsAsync());
    }

    [Theory]
    [InlineData(900, 'x')]
    [InlineData(480, 'ä')]
    [InlineData(300, '€')]
    public async Task Z18_LongError_FitsIntoAPacket(int length, char letter)
    {
        var uid = new string(letter, length);
        using var connection = await _node.OpenAsync();
        using var file = File.OpenHandle("/proc/self/stat");
        var add = new WorkloadRequest { Add = new AddWorkload { Uid = uid } };

        connection.Send(add.ToByteArray(), file);
        var answer = await connection.ReadAsync();

        Assert.InRange(answer.Length, 900, 1023);
        var error = WorkloadResponse.Parser.ParseFrom(answer).Ack.Error;
        Assert.StartsWith("failure to start proxy", error, StringComparison.Ordinal);
        Assert.DoesNotContain("\uFFFD", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Z5_AddWithoutInfo_IsNotServed()
    {
        using var pod = new TestNetns();
        using var connection = await _node.OpenAsync();

        var error = await CommitAsync("add without info", connection, pod);

        Assert.Equal("failure to process message : no workload info for u", error);
        Assert.Empty(pod.ListeningPorts());
    }

    private static async Task<string> CommitAsync(string slip, AgentConnection connection, TestNetns pod)
    {
        if (slip is "keep after the snapshot" or "second snapshot")
        {
            Assert.Empty(await connection.KeepAsync("served"));
            Assert.Empty(await connection.SnapshotAsync());
        }

        var fd = pod.Handle;
        return slip switch
        {
            "del with a descriptor" => await connection.AskAsync(AgentConnection.DeleteBytes("u"), fd),
            "keep with a descriptor" => await connection.AskAsync(AgentConnection.KeepBytes("u"), fd),
            "snapshot with a descriptor" => await connection.AskAsync(AgentConnection.SnapshotBytes(), fd),
            "add without a descriptor" => await connection.AskAsync(AgentConnection.AddBytes("u")),
            "two descriptors" => await connection.AskAsync(AgentConnection.AddBytes("u"), fd, fd),
            "three descriptors" => await connection.AskAsync(AgentConnection.AddBytes("u"), fd, fd, fd),
            "add without info" => await connection.AskAsync(
                new WorkloadRequest { Add = new AddWorkload { Uid = "u" } }.ToByteArray(), fd),
            "keep after the snapshot" => await connection.KeepAsync("u"),
            "second snapshot" => await connection.SnapshotAsync(),
            "no payload" => await connection.AskAsync([0x48, 0x01], fd), // field 9
            "unknown payload" => await connection.AskAsync([0x22, 0x00]), // field 4
            "not protobuf" => await connection.AskAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n"), fd),
            _ => await connection.AskAsync(AgentConnection.AddBytes(new string('u', 1100)), fd),
        };
    }
}
