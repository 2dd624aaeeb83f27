using System.Diagnostics;

namespace Node.Bench.Load;

/// <summary>Round trips one after the other on one connection: the latency a single request sees.</summary>
internal static class LatencyLoad
{
    public static LoadResult Run(LoadOptions options)
    {
        using var client = EchoClient.Connect(options.Target, options.PayloadBytes);
        var warmUp = Record(client, LoadOptions.WarmUp);
        var measured = Record(client, options.Duration);
        measured.Sort();
        return new LoadResult
        {
            Total = warmUp.Count + measured.Count,
            PerSecond = measured.Count / options.Duration.TotalSeconds,
            P50Microseconds = Percentile(measured, 0.50),
            P99Microseconds = Percentile(measured, 0.99),
        };
    }

    private static List<long> Record(EchoClient client, TimeSpan duration)
    {
        var durations = new List<long>(1 << 18);
        var started = Stopwatch.GetTimestamp();
        var end = started + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        for (var before = started; before < end;)
        {
            client.RoundTrip();
            var after = Stopwatch.GetTimestamp();
            durations.Add(after - before);
            before = after;
        }

        return durations;
    }

    private static double Percentile(List<long> sorted, double share) =>
        sorted[(int)((sorted.Count - 1) * share)] * 1e6 / Stopwatch.Frequency;
}
