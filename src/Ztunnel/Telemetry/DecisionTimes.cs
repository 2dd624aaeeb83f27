using System.Diagnostics;
using System.Numerics;

namespace Ztunnel.Telemetry;

/// <summary>
/// How long outbound connections waited for the decision where they go, in classes that double. Safe for all threads.
/// </summary>
internal sealed class DecisionTimes
{
    /// <summary>Class 0 is below 16 us, each further one twice as wide; the last one has no end.</summary>
    private const int Classes = 20;

    private const int SmallestBits = 4;

    private readonly long[] _counts = new long[Classes];

    /// <summary>Counts a decision that began at a timestamp of <see cref="Stopwatch"/> and ends now.</summary>
    public void Add(long started)
    {
        var microseconds = (ulong)Math.Max(0, Stopwatch.GetElapsedTime(started).Ticks / TimeSpan.TicksPerMicrosecond);
        var bits = 64 - BitOperations.LeadingZeroCount(microseconds);
        Interlocked.Increment(ref _counts[Math.Clamp(bits - SmallestBits, 0, Classes - 1)]);
    }

    /// <summary>Shows the counts on the metrics page, each with the bound that its decisions stayed below.</summary>
    public void AddTo(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "ztunnel_outbound_decisions",
        "The number of outbound decisions by the microseconds below which they stayed (unstable).",
        "counter",
        Samples));

    private IEnumerable<MetricSample> Samples()
    {
        for (var i = 0; i < Classes; i++)
        {
            if (Interlocked.Read(ref _counts[i]) is > 0 and var count)
            {
                var bound = i == Classes - 1 ? "+Inf" : $"{1L << (i + SmallestBits)}";
                yield return new MetricSample(count, text => text.Label("below"u8, bound));
            }
        }
    }
}
