using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Ztunnel.Cni;

namespace Ztunnel.Tests.Cni;

public sealed class CniControlTests : CniServerFixture
{
    private const string OwnNetns = "/proc/self/ns/net";
    private const string Names = "--name a --namespace default --service-account b";

    [Fact]
    public async Task Add_ProxyConnected_IsAnsweredByItsAck()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var control = new CniControl(Server);

        var good = control.ExecuteAsync($"add {OwnNetns} --uid one {Names}", Token);
        var add = (await proxy.ReadAsync()).Add;
        proxy.Ack();
        Assert.Equal("ok", await good);
        var bad = control.ExecuteAsync($"add {OwnNetns} --uid two {Names}", Token);
        await proxy.ReadAsync();
        proxy.Ack("no\nroom");

        Assert.Equal("error: got ack error: no room", await bad);
        Assert.Equal(("one", "a", "default", "b"),
            (add.Uid, add.WorkloadInfo.Name, add.WorkloadInfo.Namespace, add.WorkloadInfo.ServiceAccount));
    }

    [Fact]
    public async Task Add_WithoutUid_IsKnownByItsNamespace()
    {
        Assert.Equal(
            "error: no ztunnel connection", await new CniControl(Server).ExecuteAsync($"add {OwnNetns} {Names}", Token));

        Assert.Equal(OwnNetns, Assert.Single(Server.Pods).Uid);
    }

    [Fact]
    public async Task KeepAndDel_KnownPod_ChangeWhatTheNextProxyHears()
    {
        var control = new CniControl(Server);
        await control.ExecuteAsync($"add {OwnNetns} --uid one {Names}", Token);

        Assert.Equal("ok", await control.ExecuteAsync("keep one", Token));
        Assert.Equal("pod one - default/a/b\nproxies 0\nok", await control.ExecuteAsync("list", Token));
        Assert.Equal("ok", await control.ExecuteAsync("keep two", Token));
        Assert.Equal("ok", await control.ExecuteAsync("del one", Token));

        Assert.Equal("two", Assert.Single(Server.Pods).Uid);
    }

    [Theory]
    [InlineData("nonsense", "expected 'add NETNS")]
    [InlineData("del", "expected 'add NETNS")]
    [InlineData("add", "something is missing")]
    [InlineData("add pod --name a --namespace b", "something is missing")]
    [InlineData("add pod --name --namespace b", "--name needs a value")]
    [InlineData("add one two " + Names, "unexpected argument 'two'")]
    [InlineData("add pod --nome a", "unexpected argument '--nome'")]
    [InlineData("add no-such-namespace " + Names, "cannot open network namespace /run/netns/no-such-namespace")]
    [InlineData("add /dev/null " + Names, "not a network namespace: /dev/null")]
    public async Task Line_CannotBeDone_SaysWhyAndChangesNothing(string line, string reason)
    {
        var answer = await new CniControl(Server).ExecuteAsync(line, Token);

        Assert.StartsWith("error: ", answer, StringComparison.Ordinal);
        Assert.Contains(reason, answer, StringComparison.Ordinal);
        Assert.Empty(Server.Pods);
    }

    [Fact]
    public async Task RunAsync_LinesCutAnywhere_AreAnsweredInOrder()
    {
        var input = Encoding.UTF8.GetBytes("list\n\nkeep one\nlist");
        for (var cut = 0; cut <= input.Length; cut++)
        {
            var pipe = new Pipe();
            using var output = new MemoryStream();
            await pipe.Writer.WriteAsync(input.AsMemory(..cut), Token);
            var running = new CniControl(Server).RunAsync(pipe.Reader.AsStream(), output, Token);
            await pipe.Writer.WriteAsync(input.AsMemory(cut..), Token);
            await pipe.Writer.CompleteAsync();
            await running;
            await Server.DeleteAsync("one", Token);

            Assert.Equal(
                "proxies 0\nok\nok\npod one - -/-/-\nproxies 0\nok\n", Encoding.UTF8.GetString(output.ToArray()));
        }
    }

    [Fact]
    public async Task RunAsync_EndlessLine_IsGivenUp()
    {
        using var input = new MemoryStream(new byte[100_000]);
        using var output = new MemoryStream();

        await new CniControl(Server).RunAsync(input, output, Token);

        Assert.Equal("error: a line has more than 4096 bytes\n", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    public async Task Socket_SeveralClients_AreServedUntilTheEnd()
    {
        var path = SocketPath + ".control";
        await using var socket = await CniControlSocket.StartAsync(path, new CniControl(Server), Token);
        using var one = Connect(path);
        using var two = Connect(path);
        using var reader = new StreamReader(new NetworkStream(two));

        await two.SendAsync("list\n"u8.ToArray(), Token);

        Assert.Equal("proxies 0", await reader.ReadLineAsync(Token));
        Assert.Equal("ok", await reader.ReadLineAsync(Token));
        Assert.Equal("600", ModeOf(path));
        await socket.DisposeAsync();
        Assert.Null(await reader.ReadLineAsync(Token));
    }

    [Theory]
    [InlineData("--uds a --control=b --add", "--add needs a value")]
    [InlineData("--udp a", "unexpected argument '--udp'")]
    [InlineData("path", "unexpected argument 'path'")]
    public void Arguments_NotUnderstood_SayWhy(string line, string reason) => Assert.Contains(
        reason,
        Assert.Throws<Ztunnel.Cli.UsageException>(() => CniServerCommand.Parse(line.Split(' '))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Arguments_All_AreTaken()
    {
        var options = CniServerCommand.Parse(["--uds", "a", "--control=b", "--add", "one --name x", "--add=two"]);

        Assert.Equal(("a", "b"), (options.Path, options.Control));
        Assert.Equal(["one --name x", "two"], options.Pods);
        Assert.Equal("/var/run/ztunnel/ztunnel.sock", CniServerCommand.Parse([]).Path);
    }

    private static Socket Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }
}
