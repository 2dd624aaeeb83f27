using System.Globalization;
using Google.Protobuf;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Protos.State;
using Ztunnel.Xds.Decoding;
using Ztunnel.Xds.Writing;
using Authorization = Ztunnel.Protos.SecurityApi.Authorization;
using Proto = Ztunnel.Protos.WorkloadApi;

namespace Ztunnel.State;

/// <summary>
/// The mesh as records of a snapshot and back. All or nothing: without a policy that cannot be read, more would be
/// allowed than the control plane said.
/// </summary>
internal static class SnapshotContent
{
    /// <summary>What of a mesh came from the control plane.</summary>
    /// <param name="mesh">At one moment; encoded as it is enumerated.</param>
    /// <param name="local">What came from the local file: it is read again at the next start.</param>
    public static IEnumerable<(RecordKind Kind, IMessage Message)> RecordsOf(MeshSnapshot mesh, LocalMesh local)
    {
        var (policies, services, workloads) = Select(mesh, local);
        return policies.Select(policy => (RecordKind.Authorization, (IMessage)AuthorizationEncoder.Encode(policy)))
            .Concat(services.Select(service => (RecordKind.Address, (IMessage)AddressEncoder.Encode(service))))
            .Concat(workloads.Select(workload => (RecordKind.Address, (IMessage)AddressEncoder.Encode(workload))));
    }

    /// <summary>The numbers of those records, filled in.</summary>
    public static SnapshotInfo CountInto(SnapshotInfo info, MeshSnapshot mesh, LocalMesh local)
    {
        var (policies, services, workloads) = Select(mesh, local);
        info.Policies = (uint)policies.Count();
        info.Services = (uint)services.Count();
        info.Workloads = (uint)workloads.Count();
        return info;
    }

    /// <summary>Adds all records to a mesh.</summary>
    /// <param name="reader">Verified.</param>
    /// <param name="info">What the file says that there is.</param>
    /// <param name="mesh">Stays as it is.</param>
    /// <param name="addresses">Gets the resource names of workloads and services.</param>
    /// <param name="policies">Gets those of policies.</param>
    /// <exception cref="SnapshotException">One cannot be read, or some are missing.</exception>
    public static MeshSnapshot ReadInto(
        SnapshotReader reader, SnapshotInfo info, MeshSnapshot mesh, List<string> addresses, List<string> policies)
    {
        var builder = mesh.ToBuilder();
        var texts = new TextPool();
        var (workloads, services) = (0u, 0u);
        try
        {
            while (reader.TryRead(out var kind, out var message))
            {
                switch (kind)
                {
                    case RecordKind.Authorization:
                        var policy = AuthorizationConverter.Convert(Authorization.Parser.ParseFrom(message));
                        builder.SetPolicy(policy);
                        policies.Add(policy.Key);
                        break;
                    case RecordKind.Address:
                        switch (Proto.Address.Parser.ParseFrom(message))
                        {
                            case { Workload: { } workload }:
                                builder.SetWorkload(new WorkloadConverter(texts).Convert(workload, workload.Uid));
                                addresses.Add(workload.Uid);
                                workloads++;
                                break;
                            case { Service: { } service }:
                                builder.SetService(new ServiceConverter(texts).Convert(service));
                                addresses.Add($"{service.Namespace}/{service.Hostname}");
                                services++;
                                break;
                            default:
                                throw new SnapshotException("an address that is neither workload nor service");
                        }

                        break;
                    default:
                        throw new SnapshotException($"a record of unknown kind {kind:D}");
                }
            }
        }
        catch (Exception e) when (ResourceRejectedException.Covers(e))
        {
            throw new SnapshotException($"a record cannot be used: {e.Message}", e);
        }

        return (workloads, services, (uint)policies.Count) == (info.Workloads, info.Services, info.Policies)
            ? builder.ToSnapshot()
            : throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture,
                $"{workloads} workloads, {services} services and {policies.Count} policies are not what it says"));
    }

    // A service of the snapshot is not the object of the file: its endpoints were put together.
    private static (IEnumerable<Policy.Authorization> Policies, IEnumerable<Service> Services, IEnumerable<Workload> Workloads)
        Select(MeshSnapshot mesh, LocalMesh local)
    {
        var objects = new HashSet<object>(ReferenceEqualityComparer.Instance);
        objects.UnionWith(local.Policies);
        objects.UnionWith(local.Workloads.Select(workload => workload.Workload));
        var names = local.Services.Select(service => service.NamespacedHostname).ToHashSet();
        return (
            mesh.Policies.Where(policy => !objects.Contains(policy)),
            mesh.Services.Where(service => !names.Contains(service.NamespacedHostname)),
            mesh.Workloads.Where(workload => !objects.Contains(workload)));
    }
}
