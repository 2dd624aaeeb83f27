using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Hbone.Http2.Hpack;

namespace Node.Tests.Recordings;

/// <summary>A peer of port 15008 that sends given octets over mutual TLS and keeps the frames that come back.</summary>
internal sealed class HboneClient : IAsyncDisposable
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] FlushPing = "all read"u8.ToArray();

    private readonly SslStream _tls;
    private readonly HpackDecoder _decoder = new(4096, 65_536);

    private HboneClient(SslStream tls) => _tls = tls;

    public RecordedTls Tls => RecordedTls.Of(_tls);

    /// <summary>The URI names of the server's certificate.</summary>
    public string[] PeerUris => RecordedTls.UrisOf(_tls.RemoteCertificate);

    /// <summary>Connects from pod a, past its proxy. A server that wants another certificate says so later.</summary>
    public static async Task<HboneClient> ConnectAsync(
        TwoPods pods, IPAddress server, string? identity, CancellationToken cancellationToken)
    {
        var socket = await pods.A.ConnectUncapturedAsync(new IPEndPoint(server, 15008), cancellationToken);
        var client = new HboneClient(new SslStream(new NetworkStream(socket, ownsSocket: true)));
        try
        {
            await client._tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "",
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificateContext =
                        identity is null ? null : RecordedTls.Issue(pods.AuthorityFolder, identity),
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                        RecordedTls.IsSignedBy(pods.AuthorityFolder, (X509Certificate2)certificate!),
                },
                cancellationToken);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends preface, SETTINGS and these frames.</summary>
    public async Task SendAsync(IEnumerable<byte[]> frames, CancellationToken cancellationToken)
    {
        await _tls.WriteAsync(Preface, cancellationToken);
        await SendAsync(RecordedFrame.Write("SETTINGS", 0, 0, []), cancellationToken);
        foreach (var frame in frames)
        {
            await SendAsync(frame, cancellationToken);
        }
    }

    /// <summary>
    /// Reads so many frames and, by a PING behind them, whatever else the server had sent until then.
    /// </summary>
    public async Task<List<RecordedFrame>> ReadAllAsync(int expected, CancellationToken cancellationToken)
    {
        var frames = new List<RecordedFrame>();
        var isFlushing = false;
        while (await RecordedFrame.ReadAsync(_tls, _decoder, cancellationToken) is { } frame)
        {
            if (frame is { Type: "PING", HasFirstFlag: true } && frame.Payload == Convert.ToHexStringLower(FlushPing))
            {
                return frames;
            }

            frames.Add(frame);
            if (frame is { Type: "SETTINGS", HasFirstFlag: false })
            {
                await SendAsync(RecordedFrame.Write("SETTINGS", 1, 0, []), cancellationToken);
            }

            if (frames.Count >= expected && !isFlushing)
            {
                isFlushing = true;
                await SendAsync(RecordedFrame.Write("PING", 0, 0, FlushPing), cancellationToken);
            }
        }

        return frames;
    }

    public ValueTask DisposeAsync() => _tls.DisposeAsync();

    private ValueTask SendAsync(byte[] frame, CancellationToken cancellationToken) =>
        _tls.WriteAsync(frame, cancellationToken);
}
