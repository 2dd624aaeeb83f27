namespace Node.Bench.Measurements;

/// <summary>
/// A load that counts: how many in one second, and the CPU time of both proxies for a number of them.
/// </summary>
internal sealed class CountedLoad(
    string name,
    string kind,
    int connections,
    int payloadBytes,
    TimeSpan duration,
    Figure perSecond,
    Figure cpu,
    int cpuPer) : IMeasurement
{
    public string Name => name;

    public async Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken)
    {
        var before = ProcessUsage.CpuSeconds(lane.Proxies);
        var result = await lane.LoadAsync(kind, connections, payloadBytes, duration, cancellationToken);
        var used = ProcessUsage.CpuSeconds(lane.Proxies) - before;
        samples.Add(perSecond, lane.Peer.Name, result.PerSecond);
        if (lane.Proxies.Count > 0 && result.Total > 0)
        {
            samples.Add(cpu, lane.Peer.Name, used / result.Total * cpuPer);
        }

        if (result.Errors > 0)
        {
            samples.AddFailure(
                $"{lane.Peer.Name} {name}: {result.Errors} connections failed beside {result.Total} good ones, "
                + $"the first with '{result.FirstError}'");
        }
    }
}
