namespace Ztunnel.Telemetry;

/// <summary>Metrics of one name.</summary>
/// <param name="Name">Family name, without the suffix of its samples.</param>
/// <param name="Help">Text as printed, with its final dot where Istio has one.</param>
/// <param name="Type">OpenMetrics type: <c>counter</c>, <c>gauge</c> or <c>histogram</c>.</param>
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
internal readonly record struct MetricSample(long Value, Action<MetricsText>? WriteLabels = null)
{
    /// <summary>What of a histogram it is: <c>_bucket</c>, <c>_sum</c>, <c>_count</c>; null elsewhere.</summary>
    public string? Suffix { get; init; }

    /// <summary>Written instead of the value where there is a fraction.</summary>
    public double? Fraction { get; init; }
}
