using Node.Bench.Measurements;
using Node.Bench.Peers;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>
/// The rounds. In each, every peer starts anew and every measurement visits all peers before the next one begins, so
/// that what changes on the machine meets all of them.
/// </summary>
internal sealed class BenchRun(BenchOptions options, Samples samples, TextWriter progress)
{
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        List<Lane> lanes = [];
        try
        {
            foreach (var name in options.Peers)
            {
                lanes.Add(await Lane.CreateAsync(Peer(name), cancellationToken));
            }

            for (var round = 1; round <= options.Rounds; round++)
            {
                // Every other round the other way round: nobody always comes after the same one.
                IReadOnlyList<Lane> order = round % 2 == 1 ? lanes : [.. lanes.AsEnumerable().Reverse()];
                await RunRoundAsync(round, order, cancellationToken);
            }
        }
        finally
        {
            foreach (var lane in lanes)
            {
                await lane.DisposeAsync();
            }
        }
    }

    private async Task RunRoundAsync(int round, IReadOnlyList<Lane> lanes, CancellationToken cancellationToken)
    {
        List<Lane> running = [];
        foreach (var lane in lanes)
        {
            if (await TryAsync(round, lane, "start", () => lane.StartProxiesAsync(cancellationToken)))
            {
                running.Add(lane);
            }
        }

        foreach (var measurement in MeasurementPlan.Of(options))
        {
            foreach (var lane in running)
            {
                progress.WriteLine($"round {round}/{options.Rounds}: {measurement.Name} {lane.Peer.Name}");
                await TryAsync(
                    round, lane, measurement.Name, () => measurement.RunAsync(lane, samples, cancellationToken));
            }
        }

        foreach (var lane in lanes)
        {
            await lane.StopProxiesAsync();
        }
    }

    /// <summary>A measurement that fails leaves the others their values.</summary>
    private async Task<bool> TryAsync(int round, Lane lane, string what, Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception e) when (e is BenchException or CommandException)
        {
            samples.AddFailure($"{lane.Peer.Name} {what}, round {round}: {e.Message}");
            progress.WriteLine($"FAILED {samples.Failures[^1]}");
            return false;
        }
    }

    private IPeer Peer(string name) => name switch
    {
        PeerNames.Direct => new DirectPeer(),
        PeerNames.Haproxy => new HaproxyPeer(),
        PeerNames.DoubleHbone => new DoubleHbonePeer(Path.GetFullPath(options.Binary), shared: true),
        PeerNames.DoubleHboneUnshared => new DoubleHbonePeer(Path.GetFullPath(options.Binary), shared: false),
        PeerNames.HaproxyAuto => new HaproxyTcpPeer(alwaysSplices: false),
        PeerNames.HaproxySplice => new HaproxyTcpPeer(alwaysSplices: true),
        PeerNames.Copy => new ZtunnelPeer(Path.GetFullPath(options.Binary)) { Passthrough = Passthrough.Copied },
        PeerNames.Splice => new ZtunnelPeer(Path.GetFullPath(options.Binary)) { Passthrough = Passthrough.Spliced },
        _ => new ZtunnelPeer(Path.GetFullPath(options.Binary)),
    };
}
