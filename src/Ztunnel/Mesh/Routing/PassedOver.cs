using System.Collections.Immutable;

namespace Ztunnel.Mesh.Routing;

/// <summary>Endpoints that one decision does without. Empty by default, which costs a selection one comparison.</summary>
/// <param name="Ejected">Chosen only when nothing else is left; null for none.</param>
internal readonly record struct PassedOver(EjectedEndpoints? Ejected)
{
    private readonly ImmutableArray<EndpointKey> _tried;

    /// <summary>Tried by this connection before; never chosen again.</summary>
    public ImmutableArray<EndpointKey> Tried
    {
        get => _tried.IsDefault ? [] : _tried;
        init => _tried = value;
    }

    public bool IsEmpty => Ejected is null && _tried.IsDefaultOrEmpty;

    /// <summary>The same without those that could be chosen if it must be.</summary>
    public PassedOver ButEjected => this with { Ejected = null };

    public bool Contains(Workload workload, ushort targetPort) =>
        HasTried(workload, targetPort) || (Ejected?.Contains(workload, targetPort) ?? false);

    public bool HasTried(Workload workload, ushort targetPort)
    {
        foreach (var key in Tried)
        {
            if (key.IsOf(workload, targetPort))
            {
                return true;
            }
        }

        return false;
    }
}
