using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>
/// Has the memory of removed pods given back: each leaves some 50 KB of objects, which an idle process has no reason to
/// collect. Begins when enough have gone and none has for a moment, in two steps, of which the first makes the second a short one.
/// </summary>
internal sealed class MemoryTrim : IDisposable
{
    /// <summary>How many pods have to go before it is worth a collection: less is what a few connections leave.</summary>
    internal const int EnoughPods = 16;

    /// <summary>For how long no other pod must have gone, and the time between the steps.</summary>
    internal static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);

    private readonly Action _collect;
    private readonly Action _giveBack;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private int _gone;
    private long _returns;
    private bool _collected;

    /// <summary>Waits for pods to go.</summary>
    /// <param name="time">Clock.</param>
    /// <param name="collect">Finds what is garbage, without stopping anybody; need not be done when it returns.</param>
    /// <param name="giveBack">Returns to the kernel what is free.</param>
    public MemoryTrim(TimeProvider time, Action collect, Action giveBack)
    {
        _collect = collect;
        _giveBack = giveBack;
        _timer = time.CreateTimer(_ => Step(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Adds how often it was done to a registry.</summary>
    public void AddTo(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "ztunnel_memory_returns",
        "How often the memory of removed pods was given back (unstable).",
        "counter",
        () => [new MetricSample(Volatile.Read(ref _returns))]));

    /// <summary>A removed pod has closed all that it had.</summary>
    public void PodGone()
    {
        lock (_gate)
        {
            _collected = false;
            if (++_gone >= EnoughPods)
            {
                _timer.Change(Moment, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Step()
    {
        bool collected;
        lock (_gate)
        {
            collected = _collected;
            if (collected)
            {
                _gone = 0;
            }
            else
            {
                _timer.Change(Moment, Timeout.InfiniteTimeSpan);
            }

            _collected = !collected;
        }

        (collected ? _giveBack : _collect)();
        if (collected)
        {
            Interlocked.Increment(ref _returns);
        }
    }
}
