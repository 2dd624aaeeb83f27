using Ztunnel.Mesh;
using Ztunnel.Policy;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// A resource of a response (proto message <c>Resource</c>). At most one of workload, service, policy and rejection is set;
/// none in a response of an unknown type, and none where the same version is held already.
/// </summary>
internal readonly record struct DecodedResource
{
    // One of the four; there are a hundred thousand of these at a time.
    private readonly object? _content;

    /// <summary>Primary key.</summary>
    public required string Name { get; init; }

    /// <summary>Claimed when the stream is opened again; may be none.</summary>
    public ResourceVersion Version { get; init; }

    /// <summary>Other names that it answers to: an address as <c>network/ip</c>. Null for none.</summary>
    public IReadOnlyList<string>? Aliases { get; init; }

    public Workload? Workload
    {
        get => _content as Workload;
        init => _content = value;
    }

    public Service? Service
    {
        get => _content as Service;
        init => _content = value;
    }

    public Authorization? Policy
    {
        get => _content as Authorization;
        init => _content = value;
    }

    /// <summary>Why it cannot be used.</summary>
    public string? Rejection
    {
        get => _content as string;
        init => _content = value;
    }
}
