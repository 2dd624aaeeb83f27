using System.Net.Sockets;

namespace Redirection.Tests;

public sealed class SeqpacketSocketTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("seqpacket-").FullName;
    private readonly byte[] _buffer = new byte[1024];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ReceiveAsync_SeveralPackets_KeepsTheirBoundaries()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;
        using var second = peer;

        peer.Send("one"u8);
        peer.Send("three"u8);

        Assert.Equal(3, (await ours.ReceiveAsync(_buffer, Cancel)).Length);
        Assert.Equal(5, (await ours.ReceiveAsync(_buffer, Cancel)).Length);
        Assert.Equal("three"u8, _buffer.AsSpan(0, 5));
    }

    [Fact]
    public async Task ReceiveAsync_PacketWithDescriptor_OpensTheSameFile()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;
        using var second = peer;
        var path = Path.Combine(_folder, "passed");
        await File.WriteAllTextAsync(path, "content", Cancel);
        using (var file = File.OpenHandle(path))
        {
            peer.Send("x"u8, file);
        }

        var packet = await ours.ReceiveAsync(_buffer, Cancel);

        Assert.False(packet.IsTruncated);
        using var passed = Assert.Single(packet.Descriptors!);
        var content = new byte[7];
        Assert.Equal(7, RandomAccess.Read(passed, content, 0));
        Assert.Equal("content"u8, content);
    }

    [Fact]
    public async Task ReceiveAsync_LongerThanTheBuffer_SaysSo()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;
        using var second = peer;

        peer.Send(new byte[1025]);
        peer.Send("next"u8);

        Assert.True((await ours.ReceiveAsync(_buffer, Cancel)).IsTruncated);
        Assert.Equal(new Packet(4, [], false) with { Descriptors = null }, (await ours.ReceiveAsync(_buffer, Cancel)) with { Descriptors = null });
    }

    [Fact]
    public async Task ReceiveAsync_PeerCloses_IsWithoutBytes()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;

        peer.Dispose();

        Assert.Equal(0, (await ours.ReceiveAsync(_buffer, Cancel)).Length);
    }

    [Fact]
    public async Task ReceiveAsync_Cancelled_LosesNoPacket()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;
        using var second = peer;
        using var giveUp = new CancellationTokenSource();
        var waiting = ours.ReceiveAsync(_buffer, giveUp.Token).AsTask();

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        peer.Send("kept"u8);
        Assert.Equal(4, (await ours.ReceiveAsync(_buffer, Cancel)).Length);
    }

    [Fact]
    public async Task Send_PeerGone_NamesTheReason()
    {
        var (ours, peer) = await ConnectAsync();
        using var first = ours;
        peer.Dispose();

        var error = Assert.Throws<IOException>(() => ours.Send("x"u8));

        Assert.Contains("Broken pipe (os error 32)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectAsync_StreamSocketAtThePath_IsRefused()
    {
        var path = Path.Combine(_folder, "stream");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);

        var error = await Assert.ThrowsAsync<SocketException>(async () => await SeqpacketSocket.ConnectAsync(path, Cancel));

        Assert.Contains("os error 91", OsError.Describe(error), StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private async Task<(SeqpacketSocket Ours, SeqpacketSocket Peer)> ConnectAsync()
    {
        var path = Path.Combine(_folder, $"{Guid.NewGuid():n}");
        using var listener = SeqpacketSocket.Listen(path, backlog: 1);
        var ours = await SeqpacketSocket.ConnectAsync(path, Cancel);
        return (ours, SeqpacketSocket.FromAccepted(await listener.AcceptAsync(Cancel)));
    }
}
