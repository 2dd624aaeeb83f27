namespace Ztunnel.Mesh;

/// <summary>
/// Which of the services that share a hostname or an address is meant, seen from a client's namespace.
/// </summary>
internal static class ServiceRank
{
    /// <summary>NAMESPACE visibility binds only where the client's namespace is known.</summary>
    public static bool IsVisibleTo(this Service service, string? clientNamespace) =>
        service.Visibility == Visibility.Public || clientNamespace is null || service.Namespace == clientNamespace;

    /// <summary>
    /// The best of <paramref name="services"/>, which come in the order of their insertion: the client's own namespace
    /// first, then the canonical one, and among several canonical ones the last, then the preferred namespace.
    /// </summary>
    public static Service? Best(
        IEnumerable<Service> services, string? clientNamespace, string? preferredNamespace = null)
    {
        Service? best = null;
        var bestRank = -1;
        foreach (var service in services)
        {
            if (!service.IsVisibleTo(clientNamespace))
            {
                continue;
            }

            var rank = (service.Namespace == clientNamespace ? 4 : 0) + (service.Canonical ? 2 : 0)
                + (!service.Canonical && service.Namespace == preferredNamespace ? 1 : 0);
            if (rank > bestRank || (rank == bestRank && service.Canonical))
            {
                (best, bestRank) = (service, rank);
            }
        }

        return best;
    }
}
