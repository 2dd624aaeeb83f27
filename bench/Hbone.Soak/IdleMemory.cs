using System.Diagnostics;
using System.Globalization;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// What connections and streams cost that have carried something and are silent now: resident bytes of both ends together,
/// which are in this process. The server's tunnels end in sockets; those of the client do not.
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
        await using var server = new SoakServer(certificates.Issue(serverId));
        var open = new List<Http2Connection>();
        await OpenAsync(WarmUpConnections);
        await OpenStreamsAsync(open[0], StreamsOfEach);
        var before = Resident();
        await OpenAsync(Connections);
        var withConnections = Resident();
        foreach (var connection in open.TakeLast(StreamConnections))
        {
            await OpenStreamsAsync(connection, StreamsOfEach);
        }

        var withStreams = Resident();
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"RESULT bytes_per_idle_connection={(withConnections - before) / Connections} "
            + $"bytes_per_idle_stream={(withStreams - withConnections) / (StreamConnections * StreamsOfEach)} "
            + $"payload_buffered={server.Memory.Used}"));
        foreach (var connection in open)
        {
            await connection.DisposeAsync();
        }

        return server.Memory.Used == 0 ? 0 : 1;

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

    private static long Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
