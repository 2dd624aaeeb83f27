using Ztunnel.Demo;

namespace Node.Tests.Routes;

/// <summary>
/// The pods of the route tests, all of namespace shop and on one node. All but the waypoint and the idle one are captured.
/// </summary>
/// <param name="Client">Who dials.</param>
/// <param name="Alien">The same, of another trust domain.</param>
/// <param name="A">Its waypoint is the waypoint, by address.</param>
/// <param name="B">The same, by the name of a service.</param>
/// <param name="C">The same, by the name of a workload.</param>
/// <param name="Behind">Its waypoint is <paramref name="Bare"/>.</param>
/// <param name="Waypoint">Where <see cref="WaypointPeer"/> is.</param>
/// <param name="Sandwich">A waypoint between two passes through its proxy, which wants a PROXY protocol header.</param>
/// <param name="Bare">Another, which wants bytes as they come.</param>
/// <param name="Idle">Where nothing listens but what a test starts.</param>
internal sealed record RoutePods(
    Pod Client, Pod Alien, Pod A, Pod B, Pod C, Pod Behind, Pod Waypoint, Pod Sandwich, Pod Bare, Pod Idle)
{
    public IEnumerable<Pod> Captured => [Client, Alien, A, B, C, Behind, Sandwich, Bare];
}
