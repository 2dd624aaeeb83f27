using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// A peer in good order: several tunnels at once on one connection, each with random bytes that have to come back. Now and
/// then a new connection.
/// </summary>
internal sealed class GoodPeer(IPEndPoint server, WorkloadCertificate certificate, SpiffeId expected, int seed, SoakCounts counts)
{
    private const int TunnelsAtOnce = 4;
    private const int RoundsPerConnection = 25;
    private const int LargestPayload = 1024 * 1024;
    private const int HeadRoom = 9;
    private const int Piece = 60_000;

    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await using var connection = await ConnectAsync(server, certificate, expected);
            for (var round = 0; round < RoundsPerConnection && !stop.IsCancellationRequested; round++)
            {
                var seeds = Enumerable.Range(0, TunnelsAtOnce).Select(_ => _random.Next()).ToArray();
                await Task.WhenAll(seeds.Select(tunnel => PlayAsync(connection, tunnel)));
            }
        }
    }

    public static async Task<Http2Connection> ConnectAsync(
        IPEndPoint server, WorkloadCertificate certificate, SpiffeId expected)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(server);
        return await HboneEndpoint.ConnectAsync(
            socket, certificate, [expected], new HboneEndpointOptions(), TimeProvider.System, CancellationToken.None);
    }

    private async Task PlayAsync(Http2Connection connection, int seed)
    {
        var random = new Random(seed);
        if (connection.TryOpen(Request) is not { } stream)
        {
            counts.LostOne();
            return;
        }

        try
        {
            await connection.WaitAnswerAsync(stream);
        }
        catch (Http2Exception)
        {
            counts.LostOne();
            return;
        }

        // Most are short, some are long: like traffic.
        var payload = new byte[random.Next(10) == 0 ? random.Next(LargestPayload) : random.Next(20_000)];
        random.NextBytes(payload);
        var sending = SendAsync(stream, payload);
        var position = 0;
        var damaged = false;
        while (true)
        {
            StreamRead read;
            while (!stream.TryRead(out read))
            {
                await stream.WaitReadableAsync();
            }

            if (read.Kind != StreamReadKind.Data)
            {
                if (read.Kind != StreamReadKind.End || position != payload.Length)
                {
                    counts.CutOne($"{position} of {payload.Length} bytes, then {read.Kind} {stream.Failure?.Code} {stream.Failure?.Message}");
                }

                break;
            }

            var span = read.Data.Span;
            damaged |= position + span.Length > payload.Length
                || !span.SequenceEqual(payload.AsSpan(position, span.Length));
            position += span.Length;
            stream.Return(read);
        }

        await sending;
        counts.Played(payload.Length, damaged);
    }

    private static async Task SendAsync(Http2Stream stream, byte[] payload)
    {
        var buffer = new byte[HeadRoom + Piece];
        for (var sent = 0; sent < payload.Length && stream.Failure is null;)
        {
            var credit = stream.TakeCredit(Math.Min(Piece, payload.Length - sent));
            if (credit == 0)
            {
                await stream.WaitWritableAsync();
                continue;
            }

            payload.AsSpan(sent, credit).CopyTo(buffer.AsSpan(HeadRoom));
            sent += credit;
            await stream.WriteAsync(buffer, HeadRoom, credit);
        }

        stream.CompleteWrites();
    }
}
