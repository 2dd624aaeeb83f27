using System.Globalization;

namespace Mesh.Scale.Load;

/// <summary>The proxy's own metrics, read every quarter of a second.</summary>
internal sealed class ProxyMetrics(HttpClient client, Uri address)
{
    private const string Pause = "ztunnel_gc_pause_seconds_total";
    private const string Decisions = "ztunnel_outbound_decisions_total";
    private const string Collections = "ztunnel_gc_collections_total";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private Dictionary<string, double> _before = [];
    private Dictionary<string, double> _now = [];
    private double _longestPause;

    /// <summary>Reads until the process ends.</summary>
    public async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync())
        {
            await ReadAsync();
        }
    }

    /// <summary>What has changed since the last call.</summary>
    public async Task<ProxyDelta> TakeAsync()
    {
        await ReadAsync();
        lock (_lock)
        {
            var delta = new ProxyDelta
            {
                PauseMilliseconds = Change(Pause) * 1e3,
                LongestPauseMilliseconds = _longestPause * 1e3,
                Collections = [.. Enumerable.Range(0, 3).Select(i => Change($"{Collections}{{generation=\"{i}\"}}"))],
                HeapMegabytes = _now.GetValueOrDefault("ztunnel_gc_heap_bytes") / 1e6,
                Decisions = _now.Keys.Where(name => name.StartsWith(Decisions, StringComparison.Ordinal))
                    .ToDictionary(name => name.Split('"')[1], Change),
            };
            _before = _now;
            _longestPause = 0;
            return delta;
        }
    }

    private double Change(string name) => _now.GetValueOrDefault(name) - _before.GetValueOrDefault(name);

    private async Task ReadAsync()
    {
        var text = await client.GetStringAsync(address);
        var values = new Dictionary<string, double>();
        foreach (var line in text.Split('\n'))
        {
            var space = line.LastIndexOf(' ');
            if (line.StartsWith("ztunnel_", StringComparison.Ordinal)
                && double.TryParse(line[(space + 1)..], CultureInfo.InvariantCulture, out var value))
            {
                values[line[..space]] = value;
            }
        }

        lock (_lock)
        {
            _longestPause = Math.Max(
                _longestPause, values.GetValueOrDefault(Pause) - _now.GetValueOrDefault(Pause));
            _now = values;
        }
    }
}

/// <summary>How the proxy's metrics changed during a phase.</summary>
internal sealed record ProxyDelta
{
    public double PauseMilliseconds { get; init; }

    /// <summary>Most pause within a quarter of a second: no single one was longer.</summary>
    public double LongestPauseMilliseconds { get; init; }

    public double[] Collections { get; init; } = [];

    public double HeapMegabytes { get; init; }

    /// <summary>Decisions by the microseconds below which they stayed.</summary>
    public Dictionary<string, double> Decisions { get; init; } = [];
}
