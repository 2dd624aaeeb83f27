using System.Net.Sockets;
using Redirection;
using Ztunnel.Cni;

namespace Ztunnel.Tests.Cni;

/// <summary>The socket in the file system, and how fast connections are taken; node-integration 1.1 and 1.6.</summary>
public sealed class CniSocketTests : CniServerFixture
{
    private protected override CniServerOptions Options => new() { Path = SocketPath };

    [Fact]
    public void StartAsync_Socket_IsForItsOwnerOnly() => Assert.Equal("600", ModeOf(SocketPath));

    [Fact]
    public async Task StartAsync_AnotherServerListens_IsRefused()
    {
        var error = await Assert.ThrowsAsync<IOException>(StartAsync);

        Assert.Contains("another server listens there", error.Message, StringComparison.Ordinal);
        using var proxy = await WithinASecondAsync(ScriptedProxy.EnrolAsync(SocketPath)); // the look was a connection, too
    }

    [Fact]
    public async Task StartAsync_StaleSocket_IsReplaced()
    {
        await Server.DisposeAsync();
        using var handle = LeaveStaleSocket();

        await using var second = await StartAsync();

        using var proxy = await ScriptedProxy.EnrolAsync(SocketPath);
    }

    [Fact]
    public async Task StartAsync_FileAtThePath_IsLeftAlone()
    {
        await Server.DisposeAsync();
        await File.WriteAllTextAsync(SocketPath, "precious", Token);

        await Assert.ThrowsAsync<IOException>(StartAsync);

        Assert.Equal("precious", await File.ReadAllTextAsync(SocketPath, Token));
    }

    [Fact]
    public async Task Accept_SecondProxy_WaitsForAFifthOfASecond()
    {
        using var first = await ScriptedProxy.EnrolAsync(SocketPath);
        using var second = await ScriptedProxy.ConnectAsync(SocketPath);
        second.Hello();
        Assert.Equal(1, Server.ConnectionCount);

        await AdvanceUntilAsync(() => Server.ConnectionCount == 2);

        Assert.NotNull((await second.ReadAsync()).SnapshotSent);
    }

    // Closing a socket of ours unlinks its path, so its descriptor is closed behind its back, as the end of a process does.
    private Socket LeaveStaleSocket()
    {
        var abandoned = SeqpacketSocket.Listen(SocketPath, backlog: 1);
        abandoned.SafeHandle.Dispose();
        Assert.True(File.Exists(SocketPath));
        return abandoned;
    }
}
