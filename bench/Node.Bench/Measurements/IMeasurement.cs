namespace Node.Bench.Measurements;

/// <summary>Puts one kind of load on one peer and takes its figures.</summary>
internal interface IMeasurement
{
    /// <summary>For progress and failures.</summary>
    string Name { get; }

    /// <exception cref="BenchException">There is no value this time.</exception>
    Task RunAsync(Lane lane, Samples samples, CancellationToken cancellationToken);
}
