using Ztunnel.Protos.Zds;

namespace Ztunnel.Tests.Cni;

/// <summary>What proxies may rely on once they are connected; node-integration 1.6.</summary>
public sealed class CniServerTests : CniServerFixture
{
    private const StringComparison Ordinal = StringComparison.Ordinal;

    [Fact]
    public async Task Snapshot_KnownPods_AreAddedWithTheirNamespacesOrKept()
    {
        await FailureOfAsync(Server.AddAsync(Pod("one"), Token));
        await Server.AddAsync(Pod("two", hasNetns: false), Token);
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);

        proxy.Hello();
        var add = (await proxy.ReadAsync()).Add;
        proxy.Ack();
        var keep = (await proxy.ReadAsync()).Keep;
        proxy.Ack();
        var end = await proxy.ReadAsync();
        proxy.Ack();

        Assert.Equal("one", add.Uid);
        Assert.Equal(("one-name", "default", "account"),
            (add.WorkloadInfo.Name, add.WorkloadInfo.Namespace, add.WorkloadInfo.ServiceAccount));
        Assert.Equal("two", keep.Uid);
        Assert.NotNull(end.SnapshotSent);
    }

    [Fact]
    public async Task Snapshot_Refused_GoesOn()
    {
        await FailureOfAsync(Server.AddAsync(Pod("one"), Token));
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);

        proxy.Hello();
        await proxy.ReadAsync();
        proxy.Ack("cannot");

        Assert.NotNull((await proxy.ReadAsync()).SnapshotSent);
    }

    [Fact]
    public async Task Add_DuringTheSnapshot_WaitsBehindIt()
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        proxy.Hello();
        Assert.NotNull((await proxy.ReadAsync()).SnapshotSent);

        var adding = Server.AddAsync(Pod("late"), Token);
        proxy.Ack();

        Assert.Equal("late", (await proxy.ReadAsync()).Add.Uid);
        proxy.Ack();
        await adding;
    }

    [Fact]
    public async Task Add_NoProxy_FailsButThePodStaysKnown()
    {
        Assert.Equal("no ztunnel connection", await FailureOfAsync(Server.AddAsync(Pod("one"), Token)));

        Assert.Equal("one", Assert.Single(Server.Pods).Uid);
    }

    [Fact]
    public async Task Add_Refused_FailsWithTheProxysError()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var adding = Server.AddAsync(Pod("one"), Token);

        await proxy.ReadAsync();
        proxy.Ack("failed to start proxy : x");

        Assert.Equal("got ack error: failed to start proxy : x", await FailureOfAsync(adding));
    }

    [Fact]
    public async Task Add_SameUidAgain_ReplacesThePod()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        for (var i = 0; i < 2; i++)
        {
            var adding = Server.AddAsync(Pod("one"), Token);
            Assert.Equal("one", (await proxy.ReadAsync()).Add.Uid);
            proxy.Ack();
            await adding;
        }

        Assert.Single(Server.Pods);
    }

    [Fact]
    public async Task Add_NamesLongerThanAPacket_AreRefused()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Server.AddAsync(Pod(new string('u', 1024)), Token));

        Assert.Empty(Server.Pods);
    }

    [Fact]
    public async Task Z19_TwoProxies_NewerGetsAddsAndBothGetDels()
    {
        using var older = await ScriptedProxy.EnrolAsync(SocketPath);
        using var newer = await ScriptedProxy.EnrolAsync(SocketPath);

        var adding = Server.AddAsync(Pod("one"), Token);
        Assert.Equal("one", (await newer.ReadAsync()).Add.Uid);
        newer.Ack();
        await adding;
        var deleting = Server.DeleteAsync("one", Token);
        Assert.Equal("one", (await newer.ReadAsync()).Del.Uid);
        newer.Ack();
        Assert.Equal("one", (await older.ReadAsync()).Del.Uid); // the add would have come first
        Assert.False(deleting.IsCompleted);
        older.Ack();

        await deleting;
        Assert.Empty(Server.Pods);
    }

    [Fact]
    public async Task Del_SomeProxiesRefuse_ErrorsAreJoined()
    {
        using var older = await ScriptedProxy.EnrolAsync(SocketPath);
        using var newer = await ScriptedProxy.EnrolAsync(SocketPath);
        var deleting = Server.DeleteAsync("unknown", Token);
        await older.ReadAsync();
        await newer.ReadAsync();

        older.Ack("a");
        newer.Ack("b");

        Assert.Equal("got ack error: a; got ack error: b", await FailureOfAsync(deleting));
    }

    [Fact]
    public async Task Proxy_GoesInsteadOfAnswering_FailsTheRequestAndThoseBehindIt()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var first = Server.AddAsync(Pod("one"), Token);
        await proxy.ReadAsync();
        var second = Server.AddAsync(Pod("two"), Token);

        proxy.Dispose();

        Assert.StartsWith("connection closed before response received", await FailureOfAsync(first), Ordinal);
        Assert.Equal("connection closed before request sent", await FailureOfAsync(second));
    }

    [Fact]
    public async Task DisposeAsync_Connected_ClosesTheConnectionAndTakesTheSocketAway()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var adding = Server.AddAsync(Pod("one"), Token);
        await proxy.ReadAsync();

        await Server.DisposeAsync();

        await proxy.AssertClosedAsync();
        Assert.StartsWith("connection closed before response received", await FailureOfAsync(adding), Ordinal);
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task Del_PodOfTheSnapshotThatIsUnderWay_IsSentBehindIt()
    {
        await FailureOfAsync(Server.AddAsync(Pod("one"), Token));
        await FailureOfAsync(Server.AddAsync(Pod("two"), Token));
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        proxy.Hello();
        Assert.Equal("one", (await proxy.ReadAsync()).Add.Uid);

        var deleting = Server.DeleteAsync("two", Token);
        List<WorkloadRequest.PayloadOneofCase> rest = [];
        while (rest.LastOrDefault() is not WorkloadRequest.PayloadOneofCase.Del)
        {
            proxy.Ack();
            rest.Add((await proxy.ReadAsync()).PayloadCase);
        }

        proxy.Ack();
        await deleting;
        Assert.Equal(
            [
                WorkloadRequest.PayloadOneofCase.Add,
                WorkloadRequest.PayloadOneofCase.SnapshotSent,
                WorkloadRequest.PayloadOneofCase.Del,
            ],
            rest);
    }
}
