using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Proxying;
using Hbone.Tests.Http2;
using Hbone.Tests.Http2.Requirements;
using Hbone.Tls;

namespace Hbone.Tests.Proxying;

/// <summary>
/// An application's connection through our client, with a peer made by hand at the other end: what Envoy sends when the
/// server has closed early, and resets of every code.
/// </summary>
public sealed class TunnelCopyPeerTests : IAsyncDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "client");
    private static readonly SpiffeId ServerId = new("cluster.local", "default", "server");

    private readonly TestCertificates _certificates = new();
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _application = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Http2Connection? _connection;
    private RawPeer? _peer;
    private Task<CopyResult>? _copying;

    public TunnelCopyPeerTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(16);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private RawPeer Peer => _peer!;

    public async ValueTask DisposeAsync()
    {
        _application.Dispose();
        if (_peer is not null)
        {
            await _peer.DisposeAsync();
        }

        if (_connection is not null)
        {
            await _connection.DisposeAsync();
        }

        _listener.Dispose();
        _certificates.Dispose();
    }

    [Fact]
    public async Task EndStreamThenNoErrorReset_SlowApplicationThatStillSends_GetsEverythingThenFin()
    {
        const int Length = 6 * 1024 * 1024;
        await OpenAsync(receiveBuffer: 32 * 1024);
        for (var sent = 0; sent < Length; sent += 1024 * 1024)
        {
            await Peer.SendAsync(RawFrame.Data(1, new byte[1024 * 1024]));
            await ReceiveAsync(1024 * 1024 - (sent == 0 ? 1_000_000 : 0)); // stays a megabyte behind
        }

        await Peer.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.Reset(1, Http2ErrorCode.NoError));
        await _application.SendAsync(new byte[10_000], Token);
        await Task.Delay(TimeSpan.FromMilliseconds(300), Token); // nothing is read here, and the tunnel is over
        await _application.SendAsync(new byte[10_000], Token);

        await ReceiveAsync(1_000_000);
        Assert.Equal(0, await _application.ReceiveAsync(new byte[1], Token));
        Assert.Equal(new CopyResult(null, null), await _copying!);
    }

    [Theory]
    [InlineData(Http2ErrorCode.NoError)]
    [InlineData(Http2ErrorCode.Cancel)]
    [InlineData(Http2ErrorCode.InternalError)]
    [InlineData(Http2ErrorCode.ConnectError)]
    [Requirement("9113-8.5-5")]
    public async Task ResetWithoutEndStream_ApplicationGetsWhatCameThenReset(Http2ErrorCode code)
    {
        await OpenAsync();

        await Peer.SendAsync(RawFrame.Data(1, "not all"u8.ToArray()), RawFrame.Reset(1, code));

        await ReceiveAsync("not all".Length);
        var e = await Assert.ThrowsAsync<SocketException>(() => _application.ReceiveAsync(new byte[1], Token).AsTask());
        Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        Assert.Equal(code, Assert.IsType<Http2StreamException>((await _copying!).Down).Code);
    }

    /// <summary>An application that is silent, and keeps its own half open, must not hold what the peer has given up.</summary>
    [Fact]
    public async Task EndStreamThenReset_SilentApplicationSeesResetAfterTheEnd()
    {
        await OpenAsync();

        await Peer.SendAsync(
            RawFrame.Data(1, "all"u8.ToArray(), endStream: true), RawFrame.Reset(1, Http2ErrorCode.Cancel));

        var result = await _copying!.WaitAsync(TimeSpan.FromSeconds(20), Token);
        Assert.Equal(Http2ErrorCode.Cancel, Assert.IsType<Http2StreamException>(result.Up).Code);
        await ReceiveAsync("all".Length);
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            for (var i = 0; i < 100; i++)
            {
                await _application.SendAsync(new byte[1], Token);
                await Task.Delay(TimeSpan.FromMilliseconds(20), Token);
            }
        });
    }

    [Fact]
    public async Task ApplicationResets_StreamIsCancelled()
    {
        await OpenAsync();
        await _application.SendAsync("x"u8.ToArray(), Token);
        await Peer.ReadAsync(FrameType.Data);

        _application.LingerState = new LingerOption(enable: true, seconds: 0);
        _application.Dispose();

        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.Cancel), (await Peer.ReadAsync(FrameType.RstStream)).ToBytes());
    }

    [Fact]
    public async Task ConnectionBreaks_ApplicationGetsWhatCameThenReset()
    {
        await OpenAsync();

        await Peer.SendAsync(RawFrame.Data(1, "not all"u8.ToArray()));
        await Peer.DisposeAsync();

        await ReceiveAsync("not all".Length);
        await Assert.ThrowsAsync<SocketException>(() => _application.ReceiveAsync(new byte[1], Token).AsTask());
        Assert.IsType<Http2ConnectionException>((await _copying!).Down);
    }

    [Fact]
    public async Task PeerOfOneByteWindow_EverythingArrives()
    {
        await OpenAsync(receiveBuffer: null, (4, 1));
        await _application.SendAsync("abc"u8.ToArray(), Token);
        _application.Shutdown(SocketShutdown.Send);

        foreach (var octet in "abc"u8.ToArray())
        {
            Assert.Equal([octet], (await Peer.ReadAsync(FrameType.Data)).Payload);
            await Peer.SendAsync(RawFrame.WindowUpdate(1, 1));
        }

        Assert.True((await Peer.ReadAsync(FrameType.Data)).Has(RawFrame.EndStream));
    }

    private async Task ReceiveAsync(int length)
    {
        var buffer = new byte[64 * 1024];
        while (length > 0)
        {
            var received = await _application.ReceiveAsync(buffer.AsMemory(0, Math.Min(length, buffer.Length)), Token);
            Assert.NotEqual(0, received);
            length -= received;
        }
    }

    private async Task OpenAsync(int? receiveBuffer = null, params (int Id, uint Value)[] settings)
    {
        var accepting = RawPeer.AcceptHttp2Async(_listener, _certificates.Issue(ServerId), settings);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(_listener.LocalEndPoint!, Token);
        _connection = await HboneEndpoint.ConnectAsync(
            socket, _certificates.Issue(ClientId), [ServerId], new(), TimeProvider.System, Token);
        _peer = await accepting;
        var stream = _connection.TryOpen([new HeaderField(":method", "CONNECT"), new(":authority", "10.0.0.1:80")])!;
        await Peer.ReadAsync(FrameType.Headers);
        await Peer.SendAsync(RawFrame.Headers(1, false, (":status", "200")));
        await _connection.WaitAnswerAsync(stream);

        using var front = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        front.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        front.Listen(1);
        _application.ReceiveBufferSize = receiveBuffer ?? _application.ReceiveBufferSize;
        await _application.ConnectAsync(front.LocalEndPoint!, Token);
        _copying = TunnelCopy.RunAsync(
            stream, await front.AcceptAsync(Token), socketIsClient: true, new NoCounters());
    }

    private sealed class NoCounters : ICopyCounters
    {
        public void AddReceived(long bytes)
        {
        }

        public void AddSent(long bytes)
        {
        }
    }
}
