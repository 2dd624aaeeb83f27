using System.Globalization;
using System.Net;
using Ztunnel.Telemetry;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// The way to a workload of another network: a tunnel to the gateway that the workload names, and inside of it one to
/// whoever serves the service there.
/// </summary>
/// <param name="snapshot">The mesh, the same for all steps of one decision.</param>
/// <param name="source">Whose traffic it is.</param>
/// <param name="random">Chooses among equal gateways.</param>
/// <param name="passed">Gateways to do without.</param>
internal readonly struct GatewayResolution(
    MeshSnapshot snapshot, Workload source, Random random, PassedOver passed = default)
{
    /// <summary>The route to a workload or waypoint that was chosen on another network.</summary>
    /// <param name="remote">Chosen.</param>
    /// <param name="target">What the application dialled.</param>
    /// <param name="service">
    /// The service that it dialled: its name is all that means something on both networks.
    /// </param>
    /// <exception cref="ProxyException">There is no service, or no gateway.</exception>
    public OutboundRoute Route(Upstream remote, IPEndPoint target, Service? service)
    {
        if (remote.Workload.NetworkGateway is not { } reference)
        {
            throw AddressSelection.NoDestination(remote.Workload);
        }

        if (service is null)
        {
            throw new ProxyException(ConnectionFailure.Connect, $"no service for target address: {target}");
        }

        var gateway = Gateway(reference, target.Address);
        return new()
        {
            Protocol = OutboundProtocol.DoubleHbone,
            Dial = gateway.Address!,
            HboneTarget = string.Create(CultureInfo.InvariantCulture, $"{service.Hostname}:{target.Port}"),
            Named = NamedDestination.Of(gateway, target: null),
            Chosen = ChosenEndpoint.Of(gateway, serves: false),
            ExpectedIdentities = gateway.Identities,
            InnerIdentities = remote.ServiceIdentities,
            DestinationWorkload = gateway.Workload,
            DestinationService = service,
        };
    }

    private Upstream Gateway(GatewayAddress reference, IPAddress dialled)
    {
        // A reference by address counts as the dialled address, so it also decides the IP family.
        var found = reference.Address is { } address
            ? snapshot.FindUpstream(address, source.Namespace)
            : snapshot.FindGateway(reference);
        dialled = reference.Address?.Address ?? dialled;
        return found switch
        {
            { Service: { } service } => FromService(service, reference.HboneMtlsPort, dialled)
                ?? throw Unknown($"{reference.Destination}:{reference.HboneMtlsPort}"),
            { Workload: { } workload } when !passed.HasTried(workload, reference.HboneMtlsPort) =>
                At(workload, service: null, reference.HboneMtlsPort, dialled),
            _ => throw Unknown(
                reference.Hostname?.Hostname ?? $"{reference.Destination}:{reference.HboneMtlsPort}"),
        };
    }

    private Upstream? FromService(Service service, ushort port, IPAddress dialled) =>
        EndpointSelection.Choose(snapshot, source, service, port, ResolutionMode.Standard, random, passed)
            is { } endpoint
            ? At(endpoint.Workload, service, endpoint.TargetPort, dialled) with { Candidates = endpoint.Candidates }
            : null;

    // A gateway belongs to the network behind it and has an address on ours, or a name that leads to one.
    private static Upstream At(Workload gateway, Service? service, ushort port, IPAddress dialled) =>
        new(gateway, new(AddressSelection.Choose(gateway, service, dialled), port), service);

    private static ProxyException Unknown(string gateway) =>
        new(ConnectionFailure.Connect, $"unknown network gateway: network gateway {gateway} not found");
}
