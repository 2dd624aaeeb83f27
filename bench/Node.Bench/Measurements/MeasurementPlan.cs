using Node.Bench.Load;

namespace Node.Bench.Measurements;

/// <summary>
/// The measurements of one round, in order: memory while the proxies are fresh, and again at the end.
/// </summary>
internal static class MeasurementPlan
{
    private const int RoundTripConnections = 100;
    private const int RoundTripBytes = 1_024;
    private const int ConnectionsAtATime = 16;
    private const int BytesPerConnection = 64;

    public static IReadOnlyList<IMeasurement> Of(BenchOptions options)
    {
        var duration = options.Duration;
        List<IMeasurement> plan = [];
        if (options.Groups.Contains(Figure.Memory))
        {
            plan.Add(new IdleMemory());
        }

        if (options.Groups.Contains(Figure.Latency))
        {
            plan.Add(new Latency(duration));
        }

        if (options.Groups.Contains(Figure.RoundTrips))
        {
            plan.Add(new CountedLoad(
                Figure.RoundTrips, LoadCommand.RoundTripsKind, RoundTripConnections, RoundTripBytes, duration,
                Figure.EchoRps100, Figure.CpuPer100kRoundTrips, 100_000));
        }

        if (options.Groups.Contains(Figure.Connections))
        {
            plan.Add(new CountedLoad(
                Figure.Connections, LoadCommand.ConnectionsKind, ConnectionsAtATime, BytesPerConnection, duration,
                Figure.ConnectionsPerSecond, Figure.CpuPer10kConnections, 10_000));
        }

        if (options.Groups.Contains(Figure.Throughput))
        {
            plan.AddRange(
            [
                new Throughput(1, upload: true, duration),
                new Throughput(1, upload: false, duration),
                new Throughput(8, upload: true, duration),
                new Throughput(8, upload: false, duration),
            ]);
        }

        if (options.Groups.Contains(Figure.Memory) && options.Groups.Count > 1)
        {
            plan.Add(new MemoryAfterLoad());
        }

        return plan;
    }
}
