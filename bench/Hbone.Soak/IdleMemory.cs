using System.Globalization;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// What connections and streams cost that have carried something and are silent now, each end by itself. The server's tunnels
/// end in sockets, and the application behind them is in its process too; those of the client do not.
/// </summary>
internal static class IdleMemory
{
    private const int WarmUpConnections = 50;
    private const int Connections = 1_000;
    private const int StreamConnections = 20;
    private const int StreamsOfEach = 100;

    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    public static async Task<int> RunAsync(TextWriter output)
    {
        using var certificates = new TestCertificates();
        var serverId = new SpiffeId("cluster.local", "soak", "server");
        var certificate = certificates.Issue(new SpiffeId("cluster.local", "soak", "idle"));
        await using var server = await ServerProcess.StartAsync(certificates.WritePem(serverId));
        var open = new List<Http2Connection>();
        await OpenAsync(WarmUpConnections);
        await OpenStreamsAsync(open[0], StreamsOfEach);
        var before = await ReadAsync();
        await OpenAsync(Connections);
        var withConnections = await ReadAsync();
        foreach (var connection in open.TakeLast(StreamConnections))
        {
            await OpenStreamsAsync(connection, StreamsOfEach);
        }

        var withStreams = await ReadAsync();
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"RESULT bytes_per_idle_connection server={Each(withConnections.Server.Resident - before.Server.Resident, Connections)} "
            + $"(managed {Each(withConnections.Server.Heap - before.Server.Heap, Connections)}) "
            + $"client={Each(withConnections.Client - before.Client, Connections)} "
            + $"bytes_per_idle_stream server={Each(withStreams.Server.Resident - withConnections.Server.Resident, StreamConnections * StreamsOfEach)} "
            + $"client={Each(withStreams.Client - withConnections.Client, StreamConnections * StreamsOfEach)} "
            + $"payload_buffered={withStreams.Server.Buffered}"));
        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }

        return withStreams.Server.Buffered == 0 ? 0 : 1;

        async Task<(ServerReading Server, long Client)> ReadAsync()
        {
            var reading = await server.ReadAsync(ServeCommand.Collected);
            ServerReading.Collect();
            return (reading, Environment.WorkingSet);
        }

        static long Each(long bytes, int count) => bytes / count;

        async Task OpenAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                open.Add(await GoodPeer.ConnectAsync(server.Address, certificate, serverId));
            }
        }
    }

    private static async Task OpenStreamsAsync(Http2Connection connection, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var stream = connection.TryOpen(Request)!;
            await connection.WaitAnswerAsync(stream);
            var buffer = new byte[10];
            var credit = stream.TakeCredit(1);
            await stream.WriteAsync(buffer, 9, credit);
            StreamRead read;
            while (!stream.TryRead(out read))
            {
                await stream.WaitReadableAsync();
            }

            stream.Return(read);
        }
    }
}
