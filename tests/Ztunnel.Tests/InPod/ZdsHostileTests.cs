using System.ComponentModel;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Ztunnel.InPod;

namespace Ztunnel.Tests.InPod;

/// <summary>An istio-cni that sends anything, hears nothing or is not there: the pods that are served go on.</summary>
public sealed class ZdsHostileTests : IAsyncDisposable
{
    private const int BrokenPipe = 32;       // EPIPE
    private const int ConnectionReset = 104; // ECONNRESET

    // Longer than any wait of the client.
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(20);

    private readonly ScriptedAgent _agent = new();
    private NodeFixture? _node;

    private NodeFixture Node => _node ??= new NodeFixture(_agent);

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _agent.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task RandomPackets_AreAnsweredAndHarmNobody(int seed)
    {
        var random = new Random(seed);
        using var served = new TestNetns();
        using var other = new TestNetns();
        using var file = File.OpenHandle("/proc/self/stat");
        using var mounts = File.OpenHandle("/proc/self/ns/mnt");
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        using var free = File.OpenHandle("/proc/self/ns/user");
        SafeHandle[] handles = [other.Handle, file, mounts, pipe.SafePipeHandle, free];
        byte[][] seeds =
        [
            AgentConnection.AddBytes("x"), AgentConnection.DeleteBytes("x"), AgentConnection.KeepBytes("x"),
            AgentConnection.SnapshotBytes(),
        ];
        var before = Descriptors.Of(other);
        var connection = await Node.OpenAsync();
        for (var i = 0; i < 200; i++)
        {
            // Served before each, because what is sent may well be a snapshot without it.
            Assert.Empty(await connection.AddAsync("served", served.Handle));
            connection.Send(PacketOf(random, seeds), [.. handles.OrderBy(_ => random.Next()).Take(random.Next(4))]);
            Assert.NotEmpty(await connection.ReadAsync());
            connection.Dispose();
            connection = await Node.AcceptAsync(Step);
        }

        Assert.Empty(await connection.AddAsync("served", served.Handle));
        Assert.Empty(await connection.SnapshotAsync());
        connection.Dispose();

        Assert.Equal(1, await Node.MetricAsync("workload_manager_active_proxy_count"));
        Assert.Equal(3, served.ListeningPorts().Length);
        await Waiting.UntilAsync(
            () => Descriptors.Of(other) == before, TestContext.Current.CancellationToken);
        Assert.Empty(Node.Log.LinesOf<ZdsClient>(LogLevel.Error));
    }

    [Fact]
    public async Task RefusedPackets_LeaveNoDescriptor()
    {
        using var pod = new TestNetns();
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        var target = File.ResolveLinkTarget(
            $"/proc/self/fd/{pipe.SafePipeHandle.DangerousGetHandle()}", returnFinalTarget: false)!.Name;
        var (netns, pipes) = (Descriptors.Of(pod), Descriptors.Of(target));
        var connection = await Node.OpenAsync();
        for (var i = 0; i < 100; i++)
        {
            connection.Send(AgentConnection.DeleteBytes("u"), [.. Enumerable.Repeat<SafeHandle>(pod.Handle, i % 5), pipe.SafePipeHandle]);
            Assert.NotEmpty(await connection.ReadAsync());
            Assert.Empty(await connection.ReadAsync());
            connection.Dispose();
            connection = await Node.AcceptAsync(Step);
        }

        connection.Dispose();

        Assert.Equal((netns, pipes), (Descriptors.Of(pod), Descriptors.Of(target)));
        Assert.Equal(100, await Node.MetricAsync("ztunnel_zds_refused_requests_total"));
    }

    [Fact]
    public async Task AnswersNeverRead_ConnectsAgainInsteadOfWaiting()
    {
        using var deaf = await Node.OpenAsync();
        var flood = Task.Run(() =>
        {
            try
            {
                while (true)
                {
                    deaf.Send(AgentConnection.DeleteBytes("u"));
                }
            }
            catch (Win32Exception e)
            {
                return e.NativeErrorCode;
            }
        });

        using var again = await Node.AcceptAsync();

        Assert.Contains(await flood, (int[])[BrokenPipe, ConnectionReset]);
        Assert.Empty(await again.SnapshotAsync());
        Assert.True(Node.IsReady);
    }

    [Fact]
    public async Task ReadingSideShut_ConnectsAgain()
    {
        using var pod = new TestNetns();
        using var deaf = await Node.OpenAsync();

        deaf.Socket.Shutdown(SocketShutdown.Receive);
        deaf.Send(AgentConnection.AddBytes("u"), pod.Handle);

        using var again = await Node.AcceptAsync();
        Assert.Empty(await again.KeepAsync("u"));
        Assert.Empty(await again.SnapshotAsync());
        Assert.Equal(3, pod.ListeningPorts().Length);
    }

    [Fact]
    public async Task NamespaceClosedByTheAgent_IsServed()
    {
        using var connection = await Node.OpenAsync();
        using (var pod = new TestNetns())
        {
            connection.Send(AgentConnection.AddBytes("u"), pod.Handle);
        }

        Assert.Equal([0x0A, 0x00], await connection.ReadAsync());
    }

    [Theory]
    [InlineData("missing", "No such file or directory (os error 2)")]
    [InlineData("stream", "Protocol wrong type for socket (os error 91)")]
    [InlineData("file", "Connection refused (os error 111)")]
    [InlineData("long", "path")]
    public async Task PathOfNoUse_IsNamedAndTriedAgain(string kind, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, kind == "long" ? new string('x', 120) : "ztunnel.sock");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        if (kind == "stream")
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
        }
        else if (kind == "file")
        {
            await File.WriteAllTextAsync(path, "", TestContext.Current.CancellationToken);
        }

        _node = new NodeFixture(_agent, path: path);
        Node.Pods.Open();
        await FailAsync(times: 5);

        var line = Assert.Single(Node.Log.LinesOf<ZdsClient>(LogLevel.Warning));
        Assert.StartsWith($"cannot connect to {path}", line, StringComparison.Ordinal);
        Assert.Contains(expected, line, StringComparison.Ordinal);
        Assert.False(Node.IsReady);
    }

    [Fact]
    public async Task PathOfNoUse_AnotherCause_IsNamedTooAndTheAgentFoundAtLast()
    {
        _agent.Stop();
        _node = new NodeFixture(_agent);
        Node.Pods.Open();
        await FailAsync(times: 3);
        await File.WriteAllTextAsync(_agent.Path, "", TestContext.Current.CancellationToken);
        await FailAsync(times: 3);

        _agent.Restart();
        using var connection = await Node.AcceptAsync(Step);

        Assert.Empty(await connection.SnapshotAsync());
        Assert.True(Node.IsReady);
        var lines = Node.Log.LinesOf<ZdsClient>(LogLevel.Warning);
        Assert.Equal(2, lines.Length);
        Assert.Contains("No such file or directory", lines[0], StringComparison.Ordinal);
        Assert.Contains("Connection refused", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Add_CutAnywhere_IsRefused()
    {
        using var served = new TestNetns();
        using var other = new TestNetns();
        var whole = AgentConnection.AddBytes("other");
        var connection = await Node.OpenAsync();
        Assert.Empty(await connection.AddAsync("served", served.Handle));
        for (var length = 1; length < whole.Length; length++)
        {
            connection.Send(whole.AsSpan(0, length), other.Handle);
            var error = Protos.Zds.WorkloadResponse.Parser.ParseFrom(await connection.ReadAsync()).Ack.Error;
            Assert.StartsWith("failure to read message : ", error, StringComparison.Ordinal);
            connection.Dispose();
            connection = await Node.AcceptAsync(Step);
        }

        connection.Dispose();
        Assert.Equal((1, 0, 1, 0), await Node.CountsAsync());
        Assert.Empty(other.ListeningPorts());
        Assert.Equal(whole.Length - 1, await Node.MetricAsync("ztunnel_zds_refused_requests_total"));
    }

    /// <summary>Lets time pass until so many more attempts to connect have failed.</summary>
    private async Task FailAsync(int times)
    {
        var before = await Node.MetricAsync("ztunnel_zds_failed_connects_total");
        for (var i = 0; await Node.MetricAsync("ztunnel_zds_failed_connects_total") < before + times; i++)
        {
            Assert.True(i < 2000, "not tried again");
            Node.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private static byte[] PacketOf(Random random, byte[][] seeds)
    {
        if (random.Next(4) == 0)
        {
            var bytes = new byte[random.Next(1, 1500)];
            random.NextBytes(bytes);
            return bytes;
        }

        byte[] packet = [.. seeds[random.Next(seeds.Length)]];
        for (var i = random.Next(3); i > 0; i--)
        {
            packet[random.Next(packet.Length)] = (byte)random.Next(256);
        }

        return packet[..random.Next(1, packet.Length + 1)];
    }

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("zds-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
