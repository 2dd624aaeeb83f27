using System.Diagnostics;

namespace Node.Bench.Load;

/// <summary>
/// Counts what happens during warm-up and measured time, and says when both are over. One per thread or task, because
/// they do not share it.
/// </summary>
internal sealed class MeasuredCounter(LoadOptions options)
{
    private readonly long _measuredFrom =
        Stopwatch.GetTimestamp() + (long)(LoadOptions.WarmUp.TotalSeconds * Stopwatch.Frequency);

    private readonly long _end = Stopwatch.GetTimestamp()
        + (long)((LoadOptions.WarmUp + options.Duration).TotalSeconds * Stopwatch.Frequency);

    public long Total { get; private set; }

    public long Measured { get; private set; }

    public bool IsOver => Stopwatch.GetTimestamp() >= _end;

    public void Add()
    {
        Total++;
        var now = Stopwatch.GetTimestamp();
        if (now >= _measuredFrom && now < _end)
        {
            Measured++;
        }
    }

    public static LoadResult Sum(
        IReadOnlyCollection<MeasuredCounter> counters, LoadOptions options, Failures failures) => new()
        {
            Total = counters.Sum(counter => counter.Total),
            PerSecond = counters.Sum(counter => counter.Measured) / options.Duration.TotalSeconds,
            Errors = failures.Count,
            FirstError = failures.First,
        };
}
