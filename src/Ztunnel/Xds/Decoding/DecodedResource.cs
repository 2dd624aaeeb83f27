using Ztunnel.Mesh;
using Ztunnel.Policy;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// A resource of a response (proto message <c>Resource</c>). Exactly one of workload, service, policy and rejection is
/// set, none in a response of an unknown type.
/// </summary>
internal readonly record struct DecodedResource
{
    /// <summary>Primary key.</summary>
    public required string Name { get; init; }

    /// <summary>Claimed when the stream is opened again; may be empty.</summary>
    public string Version { get; init; }

    /// <summary>Other names that it answers to: an address as <c>network/ip</c>. Null for none.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }

    public Workload? Workload { get; init; }

    public Service? Service { get; init; }

    public Authorization? Policy { get; init; }

    /// <summary>Why it cannot be used.</summary>
    public string? Rejection { get; init; }
}
