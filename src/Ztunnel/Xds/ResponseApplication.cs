using Ztunnel.Mesh;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>Makes the next snapshot of the mesh out of a response: all of it at once, or nothing.</summary>
internal static class ResponseApplication
{
    /// <summary>Upserts in their order, then removals. A name that is not known is no error.</summary>
    public static void ApplyTo(this DecodedResponse response, MeshState mesh, IEnumerable<string> removed) =>
        mesh.Update(snapshot =>
        {
            var builder = snapshot.ToBuilder();
            foreach (var resource in response.Resources)
            {
                Set(builder, in resource);
            }

            foreach (var name in removed)
            {
                if (response.TypeUrl == TypeUrls.Authorization)
                {
                    builder.RemovePolicy(name);
                }
                else
                {
                    RemoveAddress(builder, name);
                }
            }

            return builder.ToSnapshot();
        });

    private static void Set(MeshSnapshot.Builder builder, in DecodedResource resource)
    {
        if (resource.Workload is { } workload)
        {
            builder.SetWorkload(workload);
        }
        else if (resource.Service is { } service)
        {
            builder.SetService(service);
        }
        else if (resource.Policy is { } policy)
        {
            builder.SetPolicy(policy);
        }
    }

    // Names of workloads and services look alike: <cluster>//Pod/<namespace>/<name>, <namespace>/<hostname>. The uid is
    // tried first; what has more than one slash can only be a uid.
    private static void RemoveAddress(MeshSnapshot.Builder builder, string name)
    {
        if (builder.RemoveWorkload(name))
        {
            return;
        }

        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash >= 0 && name.IndexOf('/', slash + 1) < 0)
        {
            builder.RemoveService(new NamespacedHostname(name[..slash], name[(slash + 1)..]));
        }
    }
}
