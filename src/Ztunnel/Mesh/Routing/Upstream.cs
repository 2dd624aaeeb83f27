using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;

namespace Ztunnel.Mesh.Routing;

/// <summary>The workload chosen for a connection and where it listens.</summary>
/// <param name="Workload">Chosen.</param>
/// <param name="Address">
/// One of its addresses and the target port; null when it is on another network, where only a gateway knows its addresses.
/// </param>
/// <param name="Service">The service it was chosen from; null when it was addressed itself.</param>
internal sealed record Upstream(Workload Workload, IPEndPoint? Address, Service? Service)
{
    /// <summary>Endpoints that it was chosen from, itself included; 1 when there was no choice.</summary>
    public int Candidates { get; init; } = 1;

    /// <summary>Whom its certificate may name: the workload, or what the service's owner vouches for.</summary>
    public ImmutableArray<SpiffeId> Identities => [.. ServiceIdentities, Workload.Identity];

    /// <summary>What the service's owner vouches for. Names that are not SPIFFE IDs can never be presented.</summary>
    public ImmutableArray<SpiffeId> ServiceIdentities
    {
        get
        {
            var identities = ImmutableArray.CreateBuilder<SpiffeId>();
            foreach (var name in Service?.SubjectAltNames ?? [])
            {
                if (SpiffeId.TryParse(name, out var identity))
                {
                    identities.Add(identity);
                }
            }

            return identities.DrainToImmutable();
        }
    }
}
