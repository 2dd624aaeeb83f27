namespace Node.Bench.Measurements;

/// <summary>Resident memory of freshly started proxies, without connections and with many silent ones.</summary>
/// <remarks>
/// "Without" is after the one round trip that showed the path to be up, so code and libraries that every connection
/// needs are in memory already.
/// </remarks>
internal sealed class IdleMemory : IMeasurement
{
    private const int Connections = 1_000;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    public string Name => Figure.Memory;

    public async Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken)
    {
        if (lane.Proxies is not [var source, ..])
        {
            return;
        }

        await Task.Delay(Settle, cancellationToken);
        var peer = lane.Peer.Name;
        var atSource = ProcessUsage.ResidentBytes(source);
        var atDestination = lane.Proxies.Skip(1).Sum(ProcessUsage.ResidentBytes);
        var withConnections = 0.0;
        await lane.WithIdleConnectionsAsync(
            Connections,
            async () =>
            {
                await Task.Delay(Settle, cancellationToken);
                withConnections = lane.Proxies.Sum(ProcessUsage.ResidentBytes);
            },
            cancellationToken);

        samples.Add(Figure.RssIdle, peer, (atSource + atDestination) / 1e6);
        if (lane.Proxies.Count > 1)
        {
            samples.Add(Figure.RssIdleSource, peer, atSource / 1e6);
            samples.Add(Figure.RssIdleDestination, peer, atDestination / 1e6);
        }

        samples.Add(Figure.Rss1000Idle, peer, withConnections / 1e6);
        samples.Add(
            Figure.BytesPerIdleConnection, peer, (withConnections - atSource - atDestination) / Connections);
    }
}
