using System.Globalization;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// Good and hostile peers at one server for some minutes: nothing may be damaged, and the memory of the server at the end may
/// be a tenth above that after the warm-up, both measured when nobody is connected. So may that of the peers' process.
/// </summary>
internal static class SoakRun
{
    private const double MaxGrowth = 1.10;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(SoakOptions options, TextWriter output)
    {
        using var certificates = new TestCertificates();
        var serverId = new SpiffeId("cluster.local", "soak", "server");
        var counts = new SoakCounts();
        await using var server = await ServerProcess.StartAsync(certificates.WritePem(serverId));
        var warmUp = options.Duration / 4 < WarmUp ? options.Duration / 4 : WarmUp;
        await PlayAsync(options, warmUp, certificates, server, serverId, counts, output);
        var before = await RestAsync(output, "start", server, counts);
        await PlayAsync(options, options.Duration, certificates, server, serverId, counts, output);
        var after = await RestAsync(output, "end", server, counts);
        var growth = (double)after.Server.Resident / before.Server.Resident;
        var peersGrowth = (double)after.Peers / before.Peers;
        var passed = counts is { Damaged: 0, Lost: 0, Cut: 0 } && after.Server.Buffered == 0 && growth <= MaxGrowth && peersGrowth <= MaxGrowth;
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"RESULT {(passed ? "passed" : "failed")} growth={growth:0.000} peers_growth={peersGrowth:0.000} "
            + $"damaged={counts.Damaged} cut={counts.Cut} lost={counts.Lost}"));
        return passed ? 0 : 1;
    }

    private static async Task PlayAsync(
        SoakOptions options,
        TimeSpan duration,
        TestCertificates certificates,
        ServerProcess server,
        SpiffeId serverId,
        SoakCounts counts,
        TextWriter output)
    {
        using var stop = new CancellationTokenSource(duration);
        var peers = new List<Task>();
        for (var i = 0; i < options.Peers; i++)
        {
            var certificate = certificates.Issue(new SpiffeId("cluster.local", "soak", $"peer-{i}"));
            peers.Add(i % 4 == 3
                ? new HostilePeer(server.Address, certificate, options.Seed + i, counts).RunAsync(stop.Token)
                : new GoodPeer(server.Address, certificate, serverId, options.Seed + i, counts).RunAsync(stop.Token));
        }

        var all = Task.WhenAll(peers);
        while (await Task.WhenAny(all, Task.Delay(Interval)) != all)
        {
            Report(output, "running", await server.ReadAsync(ServeCommand.Now), counts);
        }

        await all;
    }

    private static async Task<(ServerReading Server, long Peers)> RestAsync(
        TextWriter output, string when, ServerProcess server, SoakCounts counts)
    {
        var reading = await server.ReadAsync(ServeCommand.AtRest);
        ServerReading.Collect();
        var peers = Environment.WorkingSet;
        Report(output, when, reading, counts);
        return (reading, peers);
    }

    private static void Report(TextWriter output, string when, ServerReading server, SoakCounts counts) =>
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{when}: rss={server.Resident / 1e6:0.0} MB heap={server.Heap / 1e6:0.0} MB buffered={server.Buffered} peak={server.Peak} "
            + $"connections={server.Connections} calmed={server.Calmed} peers_rss={Environment.WorkingSet / 1e6:0.0} MB "
            + $"tunnels={counts.Tunnels} bytes={counts.Bytes} damaged={counts.Damaged} cut={counts.Cut} lost={counts.Lost} attacks={counts.Attacks}"));
}
