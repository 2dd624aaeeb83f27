using System.Diagnostics;
using System.Globalization;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// Good and hostile peers at one server for some minutes: nothing may be damaged, and memory at the end may be a tenth
/// above that after the warm-up, both measured when nobody is connected.
/// </summary>
internal static class SoakRun
{
    private const double MaxGrowth = 1.10;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(SoakOptions options, TextWriter output)
    {
        using var certificates = new TestCertificates();
        var serverId = new SpiffeId("cluster.local", "soak", "server");
        var counts = new SoakCounts();
        await using var server = new SoakServer(certificates.Issue(serverId));
        var warmUp = options.Duration / 4 < WarmUp ? options.Duration / 4 : WarmUp;
        await PlayAsync(options, warmUp, certificates, server, serverId, counts, output);
        var before = await RestAsync(server);
        Report(output, "start", before, server, counts);
        await PlayAsync(options, options.Duration, certificates, server, serverId, counts, output);
        var after = await RestAsync(server);
        Report(output, "end", after, server, counts);
        var passed = counts.Damaged == 0 && server.Memory.Used == 0 && after <= before * MaxGrowth;
        await output.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture,
            $"RESULT {(passed ? "passed" : "failed")} growth={(double)after / before:0.000} damaged={counts.Damaged} lost={counts.Lost}"));
        return passed ? 0 : 1;
    }

    private static async Task PlayAsync(
        SoakOptions options,
        TimeSpan duration,
        TestCertificates certificates,
        SoakServer server,
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
            Report(output, "running", Process.GetCurrentProcess().WorkingSet64, server, counts);
        }

        await all;
    }

    // When everybody has left, and everything that nobody refers to is gone.
    private static async Task<long> RestAsync(SoakServer server)
    {
        for (var i = 0; i < 10 && server.Memory is not { Used: 0, Connections: 0 }; i++)
        {
            await Task.Delay(Settle / 4);
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static void Report(TextWriter output, string when, long resident, SoakServer server, SoakCounts counts) =>
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{when}: rss={resident / 1e6:0.0} MB heap={GC.GetTotalMemory(false) / 1e6:0.0} MB buffered={server.Memory.Used} "
            + $"peak={server.Memory.Peak} connections={server.Memory.Connections} tunnels={counts.Tunnels} "
            + $"bytes={counts.Bytes} damaged={counts.Damaged} lost={counts.Lost} attacks={counts.Attacks} calmed={server.Calmed}"));
}
