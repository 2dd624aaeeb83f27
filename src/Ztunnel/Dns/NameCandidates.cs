using System.Collections.Immutable;

namespace Ztunnel.Dns;

/// <summary>
/// Which names of the mesh a name that was asked for may mean: as it is, as Kubernetes would complete it, and both again
/// without each search domain, which the client's resolver may have appended to a name that was complete.
/// </summary>
/// <param name="clusterDomain">DNS domain of the cluster, <c>cluster.local</c>.</param>
internal sealed class NameCandidates(string clusterDomain)
{
    private const string ServiceLabel = "svc";

    private readonly string _services = $"{ServiceLabel}.{clusterDomain}";

    /// <summary>What hostnames of Kubernetes services end with: <c>.svc.cluster.local</c>.</summary>
    public string KubernetesSuffix { get; } = $".{ServiceLabel}.{clusterDomain}";

    /// <summary>The search list of a pod in that namespace.</summary>
    public ImmutableArray<string> SearchDomainsOf(string clientNamespace) =>
        [$"{clientNamespace}.{_services}", _services, clusterDomain];

    /// <summary>The candidates in the order in which they are looked for, each once.</summary>
    /// <param name="name">Lower case, no final dot.</param>
    /// <param name="clientNamespace">Namespace of the pod that asks.</param>
    /// <param name="searchDomains">What its resolver may append.</param>
    public List<NameCandidate> Of(string name, string clientNamespace, ImmutableArray<string> searchDomains)
    {
        var candidates = new List<NameCandidate>();
        AddWithExpansions(candidates, name, clientNamespace, stripped: null);
        foreach (var domain in searchDomains)
        {
            if (Strip(name, domain) is { } stripped)
            {
                AddWithExpansions(candidates, stripped, clientNamespace, stripped);
            }
        }

        return candidates;
    }

    /// <summary>The name itself and the wildcards that hold it, the most specific first: never <c>*</c> alone.</summary>
    public static IEnumerable<string> WithWildcards(string name)
    {
        yield return name;
        for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
        {
            yield return string.Concat("*", name.AsSpan(dot));
        }
    }

    private static string? Strip(string name, string domain)
    {
        var rest = name.Length - domain.Length - 1;
        return rest > 0 && name[rest] == '.' && name.EndsWith(domain, StringComparison.Ordinal) ? name[..rest] : null;
    }

    private void AddWithExpansions(
        List<NameCandidate> candidates, string name, string clientNamespace, string? stripped)
    {
        Add(candidates, name, stripped);
        var labels = name.AsSpan().Count('.') + 1;
        var isService = name.EndsWith($".{ServiceLabel}", StringComparison.Ordinal);
        switch (labels)
        {
            case 1:
                Add(candidates, $"{name}.{clientNamespace}.{_services}", stripped);
                break;
            case 2:
                Add(candidates, $"{name}.{_services}", stripped);
                Add(candidates, $"{name}.{clientNamespace}.{_services}", stripped);
                break;
            case 3:
                if (isService)
                {
                    Add(candidates, $"{name}.{clusterDomain}", stripped);
                }

                Add(candidates, $"{name}.{_services}", stripped);
                break;
            case 4 when isService:
                Add(candidates, $"{name}.{clusterDomain}", stripped);
                break;
        }
    }

    private static void Add(List<NameCandidate> candidates, string name, string? stripped)
    {
        foreach (var candidate in candidates)
        {
            if (candidate.Name == name)
            {
                return;
            }
        }

        candidates.Add(new NameCandidate(name, stripped));
    }
}

/// <summary>A name to look for.</summary>
/// <param name="Name">As hostnames of services are spelled.</param>
/// <param name="Stripped">What was asked for without a search domain; null when none was taken away.</param>
internal readonly record struct NameCandidate(string Name, string? Stripped);
