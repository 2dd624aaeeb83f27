namespace Ztunnel.Tests.Cni;

/// <summary>What becomes of proxies that are slow, silent or speak out of turn; node-integration 1.6.</summary>
public sealed class CniServerLimitsTests : CniServerFixture
{
    public static TheoryData<byte[]> Garbage =>
    [
        new byte[] { 0xff },
        new byte[] { 0x0a, 0x7f, 0x00 }, // a length beyond the end
        new byte[1025], // truncated on the way
    ];

    [Fact]
    public async Task Hello_NotWithinFiveSeconds_Closes()
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        var closed = proxy.AssertClosedAsync();

        await AdvanceUntilAsync(() => closed.IsCompleted);

        await closed;
        Assert.Equal(0, Server.ConnectionCount);
    }

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Hello_Garbage_Closes(byte[] packet)
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);

        proxy.Socket.Send(packet);

        await proxy.AssertClosedAsync();
    }

    [Fact]
    public async Task Snapshot_AckLate_Closes()
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        proxy.Hello();
        await proxy.ReadAsync();
        var closed = proxy.AssertClosedAsync();

        await AdvanceUntilAsync(() => closed.IsCompleted);

        await closed;
    }

    [Theory]
    [MemberData(nameof(Garbage))]
    public async Task Snapshot_AckGarbage_Closes(byte[] packet)
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        proxy.Hello();
        await proxy.ReadAsync();

        proxy.Socket.Send(packet);

        await proxy.AssertClosedAsync();
    }

    [Fact]
    public async Task Snapshot_AckWithDescriptor_Closes()
    {
        using var proxy = await ScriptedProxy.ConnectAsync(SocketPath);
        proxy.Hello();
        await proxy.ReadAsync();
        using var file = File.OpenHandle("/dev/null");

        proxy.Socket.Send([0x0a, 0x00], file);

        await proxy.AssertClosedAsync();
    }

    [Fact]
    public async Task Add_AckLate_FailsAndTheNextRequestGetsThatAck()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var first = Server.AddAsync(Pod("one"), Token);
        await proxy.ReadAsync();
        await AdvanceUntilAsync(() => first.IsCompleted);
        Assert.Equal("timed out waiting for valid ztunnel response", await FailureOfAsync(first));

        proxy.Ack("late");
        var second = Server.AddAsync(Pod("two"), Token);

        Assert.Equal("got ack error: late", await FailureOfAsync(second));
        Assert.Equal(1, Server.ConnectionCount);
    }

    [Fact]
    public async Task Idle_LateAckOrOtherUnsolicitedBytes_Closes()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        var closed = proxy.AssertClosedAsync();

        proxy.Ack();
        await AdvanceUntilAsync(() => closed.IsCompleted);

        await closed;
    }

    [Fact]
    public async Task Idle_SilentProxy_Stays()
    {
        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
        for (var i = 0; i < 60; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1, Token); // lets what became due run
        }

        var adding = Server.AddAsync(Pod("one"), Token);
        await WithinASecondAsync(proxy.ReadAsync());
        proxy.Ack();

        await adding;
    }

    [Fact]
    public async Task Newest_Gone_ThePreviousOneGetsAdds()
    {
        using var older = await ScriptedProxy.EnrolAsync(SocketPath);
        var newer = await ScriptedProxy.EnrolAsync(SocketPath);

        newer.Dispose();
        await AdvanceUntilAsync(() => Server.ConnectionCount == 1);
        var adding = Server.AddAsync(Pod("one"), Token);

        Assert.Equal("one", (await WithinASecondAsync(older.ReadAsync())).Add.Uid);
        older.Ack();
        await adding;
    }

    [Fact]
    public async Task Newest_GoneUnnoticed_AddFailsAtOnce()
    {
        var proxy = await ScriptedProxy.EnrolAsync(SocketPath);

        proxy.Dispose();

        Assert.Contains("Broken pipe", await FailureOfAsync(Server.AddAsync(Pod("one"), Token)), StringComparison.Ordinal);
        await AdvanceUntilAsync(() => Server.ConnectionCount == 0);
    }
}
