using System.Net;
using System.Net.Sockets;
using Ztunnel.Config;
using Ztunnel.Dns.Hosts;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Completes routes to workloads that have a hostname and no address, for all pods of the process.</summary>
/// <param name="options">Ports that lead back to us.</param>
/// <param name="hosts">Who knows names; not owned.</param>
/// <param name="metrics">Where each such connection is counted.</param>
internal sealed class NamedDestinations(ProxyOptions options, HostTable hosts, OnDemandDnsMetrics metrics)
{
    /// <summary>The route with an address to dial; itself when it has one.</summary>
    /// <param name="route">As it was decided.</param>
    /// <param name="source">Whose connection it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ProxyException">There is no address, or it is our own.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public ValueTask<OutboundRoute> CompleteAsync(
        OutboundRoute route, Workload source, CancellationToken cancellationToken) =>
        route.Named is { } named
            ? LookUpAsync(route, named, source, cancellationToken)
            : ValueTask.FromResult(route);

    private async ValueTask<OutboundRoute> LookUpAsync(
        OutboundRoute route, NamedDestination named, Workload source, CancellationToken cancellationToken)
    {
        metrics.Count(source, named.Workload.Hostname);
        var answer = await hosts.FindAsync(named.Workload.Hostname, cancellationToken);
        if (answer.Pick(named.Family, Random.Shared) is not { } address)
        {
            throw NoAddress(named.Workload, answer);
        }

        // A name must not lead where the address itself is refused.
        var complete = named.Complete(route, address);
        return IPAddress.IsLoopback(address) && options.IsIllegalPort((ushort)complete.Dial.Port)
            ? throw new ProxyException(ConnectionFailure.Connect, "attempted recursive call to ourselves")
            : complete;
    }

    private static ProxyException NoAddress(Workload workload, HostAnswer answer) => answer.Failure is null
        ? new(
            ConnectionFailure.Connect,
            $"ip addresses were resolved for workload {workload.Uid}, but valid dns response had no A/AAAA records",
            new SocketException((int)SocketError.NoData))
        : new(
            ConnectionFailure.Connect,
            $"no ip addresses were resolved for workload: {workload.Uid}",
            new SocketException((int)SocketError.HostNotFound));
}
