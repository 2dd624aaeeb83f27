namespace Ztunnel.Telemetry;

/// <summary>Metrics of one name.</summary>
/// <param name="Name">Family name, without the suffix of its samples.</param>
/// <param name="Help">Text as printed, with its final dot where Istio has one.</param>
/// <param name="Type">OpenMetrics type: <c>counter</c> or <c>gauge</c>.</param>
/// <param name="Samples">Current samples, read at each scrape.</param>
internal sealed record MetricFamily(string Name, string Help, string Type, Func<IEnumerable<MetricSample>> Samples)
{
    /// <summary>OpenMetrics unit, with which the name then ends; null for none.</summary>
    public string? Unit { get; init; }

    /// <summary>Name of the samples.</summary>
    public string SampleName => Type == "counter" ? Name + "_total" : Name;
}

/// <summary>One value of a family.</summary>
/// <param name="Value">Current value.</param>
/// <param name="WriteLabels">Writes its labels; null for none.</param>
internal readonly record struct MetricSample(long Value, Action<MetricsText>? WriteLabels = null);
