using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>A peer that does one bad thing after the other, each on a connection of its own.</summary>
internal sealed class HostilePeer(IPEndPoint server, WorkloadCertificate certificate, int seed, SoakCounts counts)
{
    private const int Attacks = 7;
    private const int FloodFrames = 3_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    // Preface, empty SETTINGS, and a window that lets the server send as much as it likes.
    private static readonly byte[] Hello =
    [
        .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8,
        .. Frame(4, 0, 0, [0, 4, 0x7f, 0xff, 0xff, 0xff]),
        .. Frame(8, 0, 0, [0x7f, 0, 0, 0]),
    ];

    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Patience);
            try
            {
                await AttackAsync(_random.Next(Attacks), limit.Token);
            }
            catch (Exception e) when (
                e is IOException or SocketException or OperationCanceledException or AuthenticationException)
            {
                // Thrown out, or the attack is one that waits.
            }

            counts.Attacked();
        }
    }

    private async Task AttackAsync(int kind, CancellationToken limit)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server, limit);
        if (kind == 0)
        {
            // A handshake that stops after its first octets.
            await socket.SendAsync(new byte[] { 22, 3, 1, 0, 200, 1 }, limit);
            await Task.Delay(Patience, limit);
            return;
        }

        await using var tls = new SslStream(new NetworkStream(socket));
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                ClientCertificates = [certificate.Leaf],
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, presented, _, _) => presented is not null,
            },
            limit);
        switch (kind)
        {
            case 1: // garbage instead of a preface
                var garbage = new byte[5_000];
                _random.NextBytes(garbage);
                await tls.WriteAsync(garbage, limit);
                break;
            case 2: // preface never sent
                await Task.Delay(Patience, limit);
                break;
            case 3: // floods of frames that cost nothing
                await tls.WriteAsync(Hello, limit);
                var flood = _random.Next(3) switch
                {
                    0 => Frame(6, 0, 0, new byte[8]),
                    1 => Frame(4, 0, 0, []),
                    _ => Frame(2, 0, 1, new byte[5]),
                };
                await tls.WriteAsync(Repeat(FloodFrames, _ => flood), limit);
                break;
            case 4: // rapid reset
                await tls.WriteAsync(Hello, limit);
                await tls.WriteAsync(Repeat(FloodFrames, i => [.. Connect((2 * i) + 1), .. Frame(3, 0, (2 * i) + 1, [0, 0, 0, 8])]), limit);
                break;
            case 5: // sends a lot and reads nothing of what comes back
                await tls.WriteAsync(Hello, limit);
                await tls.WriteAsync(Repeat(50, i => Connect((2 * i) + 1)), limit);
                for (var i = 0; i < 200; i++)
                {
                    await tls.WriteAsync(Frame(0, 0, (2 * (i % 50)) + 1, new byte[16_000]), limit);
                }

                await Task.Delay(Patience, limit);
                break;
            default: // vanishes with RST in the middle
                await tls.WriteAsync(Hello, limit);
                await tls.WriteAsync(Repeat(20, i => [.. Connect((2 * i) + 1), .. Frame(0, 0, (2 * i) + 1, new byte[1_000])]), limit);
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
                socket.Dispose();
                return;
        }

        // What the server says, until it closes.
        var buffer = new byte[16 * 1024];
        while (await tls.ReadAsync(buffer, limit) > 0)
        {
            // Not of interest.
        }
    }

    private static byte[] Repeat(int count, Func<int, byte[]> frame) =>
        [.. Enumerable.Range(0, count).SelectMany(frame)];

    private static byte[] Connect(int streamId) => Frame(
        1, 4, streamId, [0, 7, .. ":method"u8, 7, .. "CONNECT"u8, 0, 10, .. ":authority"u8, 11, .. "10.0.0.1:80"u8]);

    // RFC 9113 section 4.1.
    private static byte[] Frame(byte type, byte flags, int streamId, byte[] payload) =>
    [
        (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags,
        (byte)(streamId >> 24), (byte)(streamId >> 16), (byte)(streamId >> 8), (byte)streamId, .. payload,
    ];
}
