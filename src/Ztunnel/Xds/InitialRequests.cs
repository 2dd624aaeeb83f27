using Microsoft.Extensions.Logging;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Xds;

/// <summary>
/// The requests that open a stream: one for addresses, one for policies, each with the names and versions that are held.
/// </summary>
/// <param name="Messages">In the order in which they are sent.</param>
/// <param name="ClaimedAddresses">Names that the first of them claims.</param>
/// <param name="WithoutClaims">Types whose names and versions were left out.</param>
internal sealed record InitialRequests(
    IReadOnlyList<DeltaDiscoveryRequest> Messages,
    IReadOnlyList<string> ClaimedAddresses,
    IReadOnlyList<string> WithoutClaims)
{
    /// <summary>
    /// What istiod reads of one message (<c>ISTIO_GPRC_MAXRECVMSGSIZE</c>, default 4 MiB). About 40,000 workloads fit.
    /// </summary>
    public const int MaxRequestBytes = 4 * 1024 * 1024;

    private const string Everything = "*";

    // Of a request with names alone: some room for type and framing.
    private const int MaxNamesBytes = 1024 * 1024;

    public static InitialRequests Create(
        Node node, Subscriptions held, bool onDemand, IReadOnlyList<string> pending, int maxBytes, ILogger logger)
    {
        var messages = new List<DeltaDiscoveryRequest>();
        var withoutClaims = new List<string>();
        var addresses = new DeltaDiscoveryRequest { Node = node, TypeUrl = TypeUrls.Address };
        IReadOnlyList<string> claimed;
        messages.Add(addresses);
        if (onDemand)
        {
            // Both at once is how a delta client says "nothing": no name at all would mean everything.
            addresses.ResourceNamesSubscribe.Add(Everything);
            addresses.ResourceNamesUnsubscribe.Add(Everything);
            claimed = ClaimOnDemand(messages, addresses, held, pending, maxBytes);
        }
        else
        {
            claimed = Claim(addresses, held.Addresses, maxBytes, withoutClaims, logger);
        }

        var policies = new DeltaDiscoveryRequest { Node = node, TypeUrl = TypeUrls.Authorization };
        Claim(policies, held.Policies, maxBytes, withoutClaims, logger);
        messages.Insert(1, policies);
        return new InitialRequests(messages, claimed, withoutClaims);
    }

    /// <summary>
    /// All or nothing: on a wildcard stream without claims istiod sends the whole set in one response, and what is gone
    /// shows by its absence.
    /// </summary>
    private static string[] Claim(
        DeltaDiscoveryRequest request, HeldResources held, int maxBytes, List<string> withoutClaims, ILogger logger)
    {
        // A least size first: what is too large is not worth making.
        if (held.ClaimBytes is var least && least > maxBytes)
        {
            logger.AskingForAll(request.TypeUrl, least);
            withoutClaims.Add(request.TypeUrl);
            return [];
        }

        var resources = held.ToArray();
        foreach (var (name, version) in resources)
        {
            request.InitialResourceVersions[name] = version;
        }

        var size = request.CalculateSize();
        if (size <= maxBytes)
        {
            return [.. resources.Select(resource => resource.Key)];
        }

        logger.AskingForAll(request.TypeUrl, size);
        request.InitialResourceVersions.Clear();
        withoutClaims.Add(request.TypeUrl);
        return [];
    }

    /// <summary>
    /// As many claims as fit. The names beyond them are subscribed in requests of their own: their resources come again,
    /// and those that are gone are named as removed, like any name that does not exist.
    /// </summary>
    private static List<string> ClaimOnDemand(
        List<DeltaDiscoveryRequest> messages,
        DeltaDiscoveryRequest first,
        Subscriptions held,
        IReadOnlyList<string> pending,
        int maxBytes)
    {
        foreach (var name in pending)
        {
            held.Addresses.Ask(name);
        }

        var claimed = new List<string>();
        var size = first.CalculateSize();
        var rest = new DeltaDiscoveryRequest { TypeUrl = TypeUrls.Address };
        var restSize = 0;
        foreach (var (name, version) in held.Addresses.ToArray())
        {
            // Tag, length, and inside tag and length of both texts: 4 bytes per length are more than names ever need.
            var entry = (name.Length * 3) + version.Length + 16;
            if (size + entry <= maxBytes)
            {
                first.InitialResourceVersions[name] = version;
                claimed.Add(name);
                size += entry;
                continue;
            }

            if (restSize == 0 || restSize + entry > MaxNamesBytes)
            {
                rest = new DeltaDiscoveryRequest { TypeUrl = TypeUrls.Address };
                restSize = 0;
                messages.Add(rest);
            }

            rest.ResourceNamesSubscribe.Add(name);
            restSize += entry;
        }

        return claimed;
    }
}
