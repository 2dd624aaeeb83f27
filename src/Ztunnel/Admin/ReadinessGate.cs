using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Admin;

/// <summary>What the process still waits for before it calls itself ready. Any thread may call any member.</summary>
internal sealed class ReadinessGate
{
    private readonly TimeProvider _time;
    private readonly ILogger<ReadinessGate> _logger;
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, long> _startedAt = new(StringComparer.Ordinal);

    /// <summary>Begins the given tasks. Name all of a start here, else the process is ready in between.</summary>
    public ReadinessGate(TimeProvider time, ILogger<ReadinessGate> logger, params ReadOnlySpan<string> tasks)
    {
        _time = time;
        _logger = logger;
        foreach (var task in tasks)
        {
            Begin(task);
        }
    }

    /// <summary>Names of the tasks that are not complete, sorted; none is ready.</summary>
    public IReadOnlyList<string> Pending
    {
        get
        {
            lock (_lock)
            {
                return [.. _startedAt.Keys];
            }
        }
    }

    /// <summary>The process is not ready until this task is complete; again, when it was complete already.</summary>
    public void Begin(string task)
    {
        lock (_lock)
        {
            _startedAt.TryAdd(task, _time.GetTimestamp());
        }
    }

    /// <summary>The process does not wait for this task any more.</summary>
    public void Complete(string task)
    {
        int left;
        long startedAt;
        lock (_lock)
        {
            if (!_startedAt.Remove(task, out startedAt))
            {
                return;
            }

            left = _startedAt.Count;
        }

        var elapsed = _time.GetElapsedTime(startedAt).TotalMilliseconds
            .ToString("0.#####", CultureInfo.InvariantCulture) + "ms";
        if (left == 0)
        {
            _logger.LastTaskComplete(task, elapsed);
        }
        else
        {
            _logger.TaskComplete(task, elapsed, left);
        }
    }
}
