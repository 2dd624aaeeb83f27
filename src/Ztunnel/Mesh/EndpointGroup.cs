using PortMap = System.Collections.Immutable.ImmutableSortedDictionary<ushort, ushort>;

namespace Ztunnel.Mesh;

/// <summary>
/// What decides whether and how readily an endpoint is chosen, except its node: endpoints of one group are alike to every
/// client that is on the node of none or of all of them.
/// </summary>
internal readonly struct EndpointGroup : IEquatable<EndpointGroup>
{
    private readonly Workload _sample;

    public EndpointGroup(ServiceEndpoint endpoint, Workload workload)
    {
        Ports = endpoint.Ports;
        Status = endpoint.Status;
        _sample = workload;
    }

    /// <summary>The endpoints' own port map.</summary>
    public PortMap Ports { get; }

    public WorkloadStatus Status { get; }

    public bool Equals(EndpointGroup other) =>
        Status == other.Status
        && IsLike(_sample, other._sample)
        && (ReferenceEquals(Ports, other.Ports) || Ports.SequenceEqual(other.Ports));

    public override bool Equals(object? obj) => obj is EndpointGroup other && Equals(other);

    // Few groups differ in what is left out.
    public override int GetHashCode() =>
        HashCode.Combine(Status, Ports.Count, _sample.Locality, _sample.Network, _sample.ClusterId, _sample.Capacity);

    private static bool IsLike(Workload x, Workload y) =>
        x.Capacity == y.Capacity
        && x.Locality == y.Locality
        && x.Network == y.Network
        && x.ClusterId == y.ClusterId
        && (x.Addresses.IsEmpty && x.Hostname.Length == 0) == (y.Addresses.IsEmpty && y.Hostname.Length == 0)
        && x.NetworkGateway is null == y.NetworkGateway is null
        && x.ApplicationTunnel?.Port is null == y.ApplicationTunnel?.Port is null;
}
