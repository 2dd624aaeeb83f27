using System.Collections.Immutable;
using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Hbone.Tls;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Xds;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace ControlPlane;

/// <summary>
/// A mesh as the resources that a control plane sends. Versions are hashes of the content, so that a resource that has not
/// changed is not sent again; policies go out without one and are told apart by their content.
/// </summary>
internal sealed class MeshResources
{
    private const int VersionBytes = 8;

    private MeshResources(
        ImmutableSortedDictionary<string, ServedResource> addresses,
        ImmutableSortedDictionary<string, ServedResource> policies,
        ImmutableHashSet<SpiffeId> identities) =>
        (Addresses, Policies, Identities) = (addresses, policies, identities);

    /// <summary>Workloads by uid, services by <c>namespace/hostname</c>.</summary>
    public ImmutableSortedDictionary<string, ServedResource> Addresses { get; }

    /// <summary>Policies by <c>namespace/name</c>.</summary>
    public ImmutableSortedDictionary<string, ServedResource> Policies { get; }

    /// <summary>Identities that workloads have.</summary>
    public ImmutableHashSet<SpiffeId> Identities { get; }

    /// <summary>Converts a mesh; of two resources with one name the later wins.</summary>
    public static MeshResources Of(LocalMesh mesh)
    {
        var addresses = NewBuilder();
        foreach (var workload in mesh.Workloads)
        {
            var message = WorkloadMessage.Of(workload, mesh.Services);
            addresses[message.Uid] = Serve(
                message.Uid,
                new Proto.Address { Workload = message },
                workload.Workload.Addresses.Select(address => new NetworkAddress(message.Network, address).ToString())) with
            {
                Node = message.Node,
                EndpointOf = [.. message.Services.Keys],
            };
        }

        foreach (var service in mesh.Services)
        {
            addresses[service.NamespacedHostname.ToString()] = Serve(
                service.NamespacedHostname.ToString(),
                new Proto.Address { Service = ServiceMessage.Of(service) },
                service.Vips.Select(vip => vip.ToString()));
        }

        var policies = NewBuilder();
        foreach (var policy in mesh.Policies)
        {
            policies[policy.Key] = Serve(policy.Key, PolicyMessage.Of(policy), []) with { Version = "" };
        }

        return new MeshResources(
            addresses.ToImmutable(),
            policies.ToImmutable(),
            [.. mesh.Workloads.Select(workload => workload.Workload.Identity)]);
    }

    /// <summary>The resources of a type; null for another one.</summary>
    public ImmutableSortedDictionary<string, ServedResource>? Of(string typeUrl) => typeUrl switch
    {
        TypeUrls.Address => Addresses,
        TypeUrls.Authorization => Policies,
        _ => null,
    };

    /// <summary>
    /// What a client is told that asks for a name, be it a resource's or one of its addresses; a service brings its
    /// endpoints.
    /// </summary>
    public IEnumerable<ServedResource> Resolve(string name)
    {
        var found = Addresses.TryGetValue(name, out var exact)
            ? [exact]
            : Addresses.Values.Where(resource => resource.Aliases.Contains(name)).ToArray();
        var names = found.Select(resource => resource.Name).ToHashSet();
        return found.Concat(Addresses.Values.Where(resource => resource.EndpointOf.Any(names.Contains)));
    }

    private static ImmutableSortedDictionary<string, ServedResource>.Builder NewBuilder() =>
        ImmutableSortedDictionary.CreateBuilder<string, ServedResource>(StringComparer.Ordinal);

    private static ServedResource Serve(string name, IMessage content, IEnumerable<string> aliases)
    {
        var packed = Any.Pack(content);
        var hash = Convert.ToHexStringLower(SHA256.HashData(packed.Value.Span).AsSpan(0, VersionBytes));
        return new ServedResource(name, hash, hash, [.. aliases], packed);
    }
}
