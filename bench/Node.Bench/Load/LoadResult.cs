namespace Node.Bench.Load;

/// <summary>What a load client prints, as one line of JSON.</summary>
internal sealed record LoadResult
{
    /// <summary>Round trips, or connections, of the whole run including the warm-up.</summary>
    public required long Total { get; init; }

    /// <summary>The same in one second of the measured time.</summary>
    public double PerSecond { get; init; }

    /// <summary>Median of one round trip.</summary>
    public double P50Microseconds { get; init; }

    /// <summary>99th percentile of one round trip.</summary>
    public double P99Microseconds { get; init; }

    /// <summary>Connections that failed; they are in no other number.</summary>
    public long Errors { get; init; }

    /// <summary>The first failure.</summary>
    public string? FirstError { get; init; }
}
