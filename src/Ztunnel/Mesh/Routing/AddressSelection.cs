using System.Net;
using System.Net.Sockets;
using Ztunnel.Telemetry;

namespace Ztunnel.Mesh.Routing;

/// <summary>Chooses the address of a workload by what the client dialled.</summary>
internal static class AddressSelection
{
    /// <summary>
    /// The dialled address if the workload has it; else its first of the dialled family that the service allows; else
    /// its first that the service allows. When it has none and a hostname, the unspecified address of the dialled family,
    /// which means the absence of one (RFC 4291 section 2.5.2): name servers know it.
    /// </summary>
    /// <exception cref="ProxyException">It has neither.</exception>
    public static IPAddress Choose(Workload workload, Service? service, IPAddress dialled)
    {
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

        return allowed
            ?? (workload.Hostname.Length > 0 ? UnknownOf(dialled.AddressFamily) : throw NoDestination(workload));
    }

    /// <summary>Whether an address that was chosen for a workload has yet to be looked up by its hostname.</summary>
    public static bool IsUnknown(Workload workload, IPAddress chosen) =>
        workload.Hostname.Length > 0
        && chosen.Equals(UnknownOf(chosen.AddressFamily))
        && !workload.Addresses.Contains(chosen);

    /// <summary>Nothing that a connection to this workload could be made to.</summary>
    public static ProxyException NoDestination(Workload workload) =>
        new(ConnectionFailure.Connect, $"no valid routing destination for workload: {workload.Info}");

    private static IPAddress UnknownOf(AddressFamily family) =>
        family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any;

    private static bool Allows(this Service? service, IPAddress address) => service?.IpFamilies switch
    {
        IpFamilies.IPv4 => address.AddressFamily == AddressFamily.InterNetwork,
        IpFamilies.IPv6 => address.AddressFamily == AddressFamily.InterNetworkV6,
        _ => true,
    };
}
