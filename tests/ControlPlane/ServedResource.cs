using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using Ztunnel.Protos.Discovery;

namespace ControlPlane;

/// <summary>One resource as it is sent (proto message <c>Resource</c>).</summary>
/// <param name="Name">Unique in its type.</param>
/// <param name="Version">What clients are told; empty for policies, as istiod has none for them.</param>
/// <param name="Content">Hash that tells one content from another.</param>
/// <param name="Aliases">Addresses, as <c>network/ip</c>.</param>
/// <param name="Payload">The message.</param>
internal sealed record ServedResource(
    string Name, string Version, string Content, ImmutableArray<string> Aliases, Any Payload)
{
    /// <summary>Node that a workload runs on; empty for everything else.</summary>
    public string Node { get; init; } = "";

    /// <summary>Names of the services that a workload is an endpoint of.</summary>
    public ImmutableArray<string> EndpointOf { get; init; } = [];

    /// <summary>The form of the wire.</summary>
    public Resource ToMessage()
    {
        var message = new Resource { Name = Name, Version = Version, Resource_ = Payload };
        message.Aliases.Add(Aliases);
        return message;
    }
}
