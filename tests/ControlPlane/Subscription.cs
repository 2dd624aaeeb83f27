using Ztunnel.Protos.Discovery;

namespace ControlPlane;

/// <summary>
/// What one client wants of one type, and has. In on-demand mode that is what its node runs and what it asked for by name.
/// One stream's loop uses it.
/// </summary>
internal sealed class Subscription
{
    private const string Everything = "*";

    private readonly string _typeUrl;
    private readonly string? _node;
    private readonly bool _wildcard;
    private readonly HashSet<string> _asked = [];
    private readonly Dictionary<string, string> _known = []; // content by name

    /// <param name="first">The client's first request for the type.</param>
    public Subscription(DeltaDiscoveryRequest first)
    {
        _typeUrl = first.TypeUrl;
        _wildcard = first.ResourceNamesSubscribe.Count == 0
            || (first.ResourceNamesSubscribe.Contains(Everything)
                && !first.ResourceNamesUnsubscribe.Contains(Everything));
        if (first.Node?.Metadata?.Fields.TryGetValue("NODE_NAME", out var node) == true)
        {
            _node = node.StringValue;
        }

        foreach (var (name, version) in first.InitialResourceVersions)
        {
            _known[name] = version;
        }
    }

    /// <summary>The first answer, which comes even when there is nothing to say.</summary>
    public DeltaDiscoveryResponse Begin(MeshResources mesh, string nonce) => Changes(mesh, nonce) ?? Empty(nonce);

    /// <summary>What has changed for this client; null for nothing.</summary>
    public DeltaDiscoveryResponse? Changes(MeshResources mesh, string nonce)
    {
        var all = mesh.Of(_typeUrl)!;
        var response = Empty(nonce);
        foreach (var resource in all.Values.Where(resource => Wants(resource) && !Has(resource)))
        {
            Add(response, resource);
        }

        foreach (var name in _known.Keys.Where(name => !all.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray())
        {
            response.RemovedResources.Add(name);
            _known.Remove(name);
        }

        return response.Resources.Count + response.RemovedResources.Count == 0 ? null : response;
    }

    /// <summary>
    /// Answers names that are asked for. As istiod does: once for each name of a stream, and what does not exist is called
    /// removed.
    /// </summary>
    public DeltaDiscoveryResponse? Ask(MeshResources mesh, IEnumerable<string> names, string nonce)
    {
        var response = Empty(nonce);
        foreach (var name in names.Where(name => name != Everything && _asked.Add(name)))
        {
            var found = mesh.Resolve(name).ToArray();
            foreach (var resource in found.Where(resource => response.Resources.All(other => other.Name != resource.Name)))
            {
                Add(response, resource);
            }

            if (found.Length == 0)
            {
                response.RemovedResources.Add(name);
            }
        }

        return response.Resources.Count + response.RemovedResources.Count == 0 ? null : response;
    }

    private bool Wants(ServedResource resource) =>
        _wildcard || _known.ContainsKey(resource.Name) || (resource.Node.Length > 0 && resource.Node == _node);

    private bool Has(ServedResource resource) => _known.GetValueOrDefault(resource.Name) == resource.Content;

    private void Add(DeltaDiscoveryResponse response, ServedResource resource)
    {
        response.Resources.Add(resource.ToMessage());
        _known[resource.Name] = resource.Content;
    }

    private DeltaDiscoveryResponse Empty(string nonce) => new() { TypeUrl = _typeUrl, Nonce = nonce };
}
