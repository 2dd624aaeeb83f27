using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Mesh.Routing;

/// <summary>Where a request on port 15008 goes inside the pod.</summary>
/// <param name="Target">The pod's address and the final port: the destination that policy and telemetry see.</param>
/// <param name="CandidateServices">What the request may have been addressed to.</param>
/// <param name="ProxyDestination">
/// Set when the application expects a PROXY protocol header: the destination to write into it.
/// </param>
internal sealed record InboundRoute(
    IPEndPoint Target, ImmutableArray<Service> CandidateServices, IPEndPoint? ProxyDestination)
{
    /// <summary>Whom to connect to.</summary>
    /// <param name="localhostAppTunnel">
    /// Whether tunnels with a PROXY header end at loopback (LOCALHOST_APP_TUNNEL).
    /// </param>
    public IPEndPoint Dial(bool localhostAppTunnel)
    {
        if (ProxyDestination is null || !localhostAppTunnel)
        {
            return Target;
        }

        return Target.AddressFamily == AddressFamily.InterNetwork
            ? new(IPAddress.Loopback, Target.Port)
            : new(IPAddress.IPv6Loopback, Target.Port);
    }

    /// <summary>
    /// The service that the request was addressed to: the one the caller names if it is a candidate, else the first
    /// with a port that leads to the target port.
    /// </summary>
    /// <param name="forwardedHost">The caller's claim (<see cref="ForwardedHeader.ParseHost"/>).</param>
    /// <param name="local">The workload asked.</param>
    public Service? DestinationService(string? forwardedHost, Workload local) =>
        FindDestinationService(CandidateServices, forwardedHost, local, (ushort)Target.Port);

    /// <summary>The same for any connection to the workload.</summary>
    public static Service? FindDestinationService(
        ImmutableArray<Service> candidates, string? forwardedHost, Workload local, ushort port)
    {
        foreach (var service in candidates)
        {
            if (forwardedHost is not null && service.Hostname == forwardedHost)
            {
                return service;
            }
        }

        foreach (var service in candidates)
        {
            var own = service.Endpoints.GetValueOrDefault(local.Uid)?.Ports;
            foreach (var (servicePort, targetPort) in service.Ports)
            {
                if (targetPort == port || (own is not null && own.GetValueOrDefault(servicePort) == port))
                {
                    return service;
                }
            }
        }

        return null;
    }
}
