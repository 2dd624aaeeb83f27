using System.Diagnostics;

namespace Mesh.Scale.Load;

/// <summary>Delays of one kind in one phase. Safe for all threads.</summary>
internal sealed class Delays
{
    private readonly Lock _lock = new();
    private readonly List<long> _ticks = new(1 << 20);
    private int _failures;

    public void Add(long ticks)
    {
        lock (_lock)
        {
            _ticks.Add(ticks);
        }
    }

    public void AddFailure() => Interlocked.Increment(ref _failures);

    /// <summary>What was collected since the last call.</summary>
    public DelaySummary Take()
    {
        lock (_lock)
        {
            _ticks.Sort();
            var summary = new DelaySummary
            {
                Count = _ticks.Count,
                Failures = Interlocked.Exchange(ref _failures, 0),
                P50 = Percentile(0.5),
                P99 = Percentile(0.99),
                P999 = Percentile(0.999),
                Worst = Percentile(1),
            };
            _ticks.Clear();
            return summary;
        }
    }

    private double Percentile(double share) =>
        _ticks.Count == 0 ? 0 : _ticks[(int)((_ticks.Count - 1) * share)] * 1e3 / Stopwatch.Frequency;
}

/// <summary>Delays in milliseconds.</summary>
internal sealed record DelaySummary
{
    public int Count { get; init; }

    public int Failures { get; init; }

    public double P50 { get; init; }

    public double P99 { get; init; }

    public double P999 { get; init; }

    public double Worst { get; init; }
}
