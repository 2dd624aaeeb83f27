using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

/// <summary>
/// A stranger on the other end: TLS by <see cref="SslStream"/>, frames made by hand, answers read one by one. Every wait
/// has an end.
/// </summary>
internal sealed class RawPeer : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly HpackDecoder _decoder = new(4_096, int.MaxValue);

    private RawPeer(SslStream tls) => Tls = tls;

    public SslStream Tls { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Connects as a client and finishes the handshake; sends nothing of HTTP/2 yet.</summary>
    public static async Task<RawPeer> DialAsync(
        IPEndPoint address,
        WorkloadCertificate? certificate,
        Action<SslClientAuthenticationOptions>? configure = null,
        int? receiveBuffer = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.ReceiveBufferSize = receiveBuffer ?? socket.ReceiveBufferSize;
        await socket.ConnectAsync(address, Token);
        var peer = new RawPeer(new SslStream(new NetworkStream(socket, ownsSocket: true)));
        var options = new SslClientAuthenticationOptions
        {
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ClientCertificates = certificate is null ? null : [certificate.Leaf],
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };
        configure?.Invoke(options);
        try
        {
            await peer.Tls.AuthenticateAsClientAsync(options, Token).WaitAsync(Deadline, Token);
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }

        return peer;
    }

    /// <summary>As above, then preface and empty SETTINGS; the server's own SETTINGS and ACK are read.</summary>
    public static async Task<RawPeer> DialHttp2Async(
        IPEndPoint address, WorkloadCertificate certificate, int? receiveBuffer = null)
    {
        var peer = await DialAsync(address, certificate, configure: null, receiveBuffer);
        await peer.SendAsync(RawFrame.Preface, RawFrame.Settings());
        await peer.ReadAsync(f => f.Type == FrameType.Settings && f.Has(RawFrame.Ack));
        return peer;
    }

    /// <summary>Accepts one connection as a server and finishes the handshake.</summary>
    public static async Task<RawPeer> AcceptAsync(
        Socket listener, WorkloadCertificate certificate, Action<SslServerAuthenticationOptions>? configure = null)
    {
        var socket = await listener.AcceptAsync(Token).AsTask().WaitAsync(Deadline, Token);
        socket.NoDelay = true;
        var peer = new RawPeer(new SslStream(new NetworkStream(socket, ownsSocket: true)));
        var options = new SslServerAuthenticationOptions
        {
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ServerCertificate = certificate.Leaf,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
        };
        configure?.Invoke(options);
        try
        {
            await peer.Tls.AuthenticateAsServerAsync(options, Token).WaitAsync(Deadline, Token);
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }

        return peer;
    }

    /// <summary>As above, then reads the client's preface and SETTINGS and sends ours.</summary>
    public static async Task<RawPeer> AcceptHttp2Async(
        Socket listener, WorkloadCertificate certificate, params (int Id, uint Value)[] settings)
    {
        var peer = await AcceptAsync(listener, certificate);
        await peer.ReadPrefaceAsync();
        await peer.SendAsync(RawFrame.Settings(settings));
        await peer.ReadAsync(f => f.Type == FrameType.Settings && f.Has(RawFrame.Ack));
        return peer;
    }

    public async Task ReadPrefaceAsync()
    {
        var preface = new byte[RawFrame.Preface.Length];
        await Tls.ReadExactlyAsync(preface, Token).AsTask().WaitAsync(Deadline, Token);
        Assert.Equal(RawFrame.Preface, preface);
    }

    /// <summary>Sends octets in one TLS write.</summary>
    public async Task SendAsync(params byte[][] pieces)
    {
        await Tls.WriteAsync(pieces.SelectMany(p => p).ToArray(), Token).AsTask().WaitAsync(Deadline, Token);
        await Tls.FlushAsync(Token);
    }

    /// <summary>The next frame; null when the peer has closed its side in order.</summary>
    public async Task<RawFrame?> ReadAsync()
    {
        var header = new byte[9];
        var read = await Tls.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, Token)
            .AsTask().WaitAsync(Deadline, Token);
        if (read < header.Length)
        {
            Assert.Equal(0, read);
            return null;
        }

        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(header) >>> 8];
        await Tls.ReadExactlyAsync(payload, Token).AsTask().WaitAsync(Deadline, Token);
        var frame = new RawFrame(
            (FrameType)header[3], header[4], BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5)), payload);
        return frame.Type == FrameType.Headers && frame.Has(RawFrame.EndHeaders) ? frame with { Status = StatusOf(payload) } : frame;
    }

    /// <summary>The next frame that is wanted; those before it are passed over.</summary>
    public async Task<RawFrame> ReadAsync(Func<RawFrame, bool> wanted)
    {
        while (true)
        {
            var frame = await ReadAsync();
            Assert.NotNull(frame);
            if (wanted(frame))
            {
                return frame;
            }
        }
    }

    /// <summary>The next frame of one type.</summary>
    public Task<RawFrame> ReadAsync(FrameType type) => ReadAsync(f => f.Type == type);

    /// <summary>Frames until the answer to a PING: everything that what was sent has caused.</summary>
    public async Task<List<RawFrame>> ReadAllAsync()
    {
        await SendAsync(RawFrame.Ping("sentinel"));
        var frames = new List<RawFrame>();
        while (true)
        {
            var frame = await ReadAsync();
            Assert.NotNull(frame);
            if (frame.Type == FrameType.Ping && frame.Has(RawFrame.Ack))
            {
                return frames;
            }

            frames.Add(frame);
        }
    }

    /// <summary>Frames until the peer closes its side in order.</summary>
    public async Task<List<RawFrame>> ReadToCloseAsync()
    {
        var frames = new List<RawFrame>();
        while (await ReadAsync() is { } frame)
        {
            frames.Add(frame);
        }

        return frames;
    }

    /// <summary>Reads until GOAWAY, and that nothing but the end follows it.</summary>
    public async Task<Http2ErrorCode> ReadGoAwayAsync()
    {
        var goAway = await ReadAsync(FrameType.GoAway);
        Assert.Null(await ReadAsync());
        return (Http2ErrorCode)goAway.Code;
    }

    /// <summary>Reads to the end, however the connection ends.</summary>
    public async Task<List<RawFrame>> ReadToEndAsync()
    {
        var frames = new List<RawFrame>();
        try
        {
            while (await ReadAsync() is { } frame)
            {
                frames.Add(frame);
            }
        }
        catch (IOException)
        {
            // Reset: what was read before it counts.
        }

        return frames;
    }

    public ValueTask DisposeAsync() => Tls.DisposeAsync();

    private int StatusOf(byte[] block)
    {
        var fields = new List<HeaderField>();
        _decoder.Decode(block, fields);
        return fields is [{ Name: ":status" } status, ..] ? int.Parse(status.Value, null) : 0;
    }
}
