using System.Net;
using System.Net.Sockets;
using Ztunnel.Telemetry;

namespace Ztunnel.Mesh.Routing;

/// <summary>Chooses the address of a workload by what the client dialled.</summary>
internal static class AddressSelection
{
    /// <summary>
    /// The dialled address if the workload has it; else its first of the dialled family that the service allows; else
    /// its first that the service allows.
    /// </summary>
    /// <exception cref="ProxyException">It has none, or is on a network that is not the source's.</exception>
    public static IPAddress Choose(Workload workload, Service? service, Workload source, IPAddress dialled)
    {
        // Another network is reached through its gateway only: an address there may belong to somebody else here.
        if (workload.Network != source.Network)
        {
            throw NoDestination(workload);
        }

        IPAddress? allowed = null;
        foreach (var address in workload.Addresses)
        {
            if (address.Equals(dialled))
            {
                return address;
            }

            if (service.Allows(address)
                && (allowed is null
                    || (allowed.AddressFamily != dialled.AddressFamily
                        && address.AddressFamily == dialled.AddressFamily)))
            {
                allowed = address;
            }
        }

        return allowed ?? throw NoDestination(workload);
    }

    private static bool Allows(this Service? service, IPAddress address) => service?.IpFamilies switch
    {
        IpFamilies.IPv4 => address.AddressFamily == AddressFamily.InterNetwork,
        IpFamilies.IPv6 => address.AddressFamily == AddressFamily.InterNetworkV6,
        _ => true,
    };

    private static ProxyException NoDestination(Workload workload) =>
        new(ConnectionFailure.Connect, $"no valid routing destination for workload: {workload.Info}");
}
