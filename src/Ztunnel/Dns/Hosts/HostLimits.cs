namespace Ztunnel.Dns.Hosts;

/// <summary>
/// What looking up the hostnames of workloads may cost, for all pods together. Immutable: derive a variant with <c>with</c>.
/// </summary>
internal sealed record HostLimits
{
    /// <summary>Names that are kept; beyond it, the one that ends first makes room. Default 4096.</summary>
    public int Kept { get; init; } = 4096;

    /// <summary>Names that are looked up at once, two queries each; more fail at once. Default 256.</summary>
    public int Lookups { get; init; } = 256;

    /// <summary>Addresses of one family that are kept of an answer. Default 32.</summary>
    public int Addresses { get; init; } = 32;

    /// <summary>How long one look-up may take in all, as long as a connect. Default 10 s.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the second family may take longer than the first, if that has an address. Default 1 s.</summary>
    public TimeSpan OtherFamily { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest that an answer is kept, whatever it says. Default one day.</summary>
    public TimeSpan LongestKept { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How long it is known that a name has no address. Default 5 s.</summary>
    public TimeSpan NobodyKept { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long it is known that name servers do not answer, or with an error. Default 1 s.</summary>
    public TimeSpan FailureKept { get; init; } = TimeSpan.FromSeconds(1);
}
