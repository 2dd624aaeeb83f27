using Node.Bench.Load;

namespace Node.Bench.Measurements;

/// <summary>One 1 KiB round trip after the other on one connection.</summary>
internal sealed class Latency(TimeSpan duration) : IMeasurement
{
    private const int PayloadBytes = 1_024;

    public string Name => Figure.Latency;

    public async Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken)
    {
        var result = await lane.LoadAsync(LoadCommand.LatencyKind, 1, PayloadBytes, duration, cancellationToken);
        samples.Add(Figure.EchoP50, lane.Peer.Name, result.P50Microseconds);
        samples.Add(Figure.EchoP99, lane.Peer.Name, result.P99Microseconds);
    }
}
