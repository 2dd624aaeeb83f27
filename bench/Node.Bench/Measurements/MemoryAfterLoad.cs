namespace Node.Bench.Measurements;

/// <summary>Resident memory when everything else has been measured and all connections are closed.</summary>
internal sealed class MemoryAfterLoad : IMeasurement
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    public string Name => Figure.RssAfterLoad.Name;

    public async Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken)
    {
        if (lane.Proxies.Count > 0)
        {
            await Task.Delay(Settle, cancellationToken);
            samples.Add(Figure.RssAfterLoad, lane.Peer.Name, lane.Proxies.Sum(ProcessUsage.ResidentBytes) / 1e6);
        }
    }
}
