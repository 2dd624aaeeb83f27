using Google.Protobuf;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Proto = Ztunnel.Protos.WorkloadApi;
using Security = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A resource that a rule of control-plane 1.6 rejects, and one of the same name that is good.</summary>
internal sealed record BrokenResource(string TypeUrl, Resource Good, Resource Broken, string Reason);

/// <summary>Everything that rejects a resource: control-plane 1.6 rule by rule, and 10.1.2 for policies.</summary>
internal static class BrokenResources
{
    private const string NoDestination = "gateway address without a destination";
    private const string FiveBytes = "invalid IP address of 5 bytes, expected 4 or 16";
    private const string UnknownText = "string match of an unknown kind";

    private static readonly ByteString Five = ByteString.CopyFrom(1, 2, 3, 4, 5);

    /// <summary>By a name for the rule.</summary>
    public static IReadOnlyDictionary<string, BrokenResource> All { get; } = new Dictionary<string, BrokenResource>
    {
        ["no address type"] = Whole(_ => new Proto.Address(), "unknown address type"),
        ["no payload"] = Payload(_ => null, "no payload"),
        ["workload address"] = Workload(w => w.Addresses.Add(Five), FiveBytes),
        ["workload address, empty"] = Workload(
            w => w.Addresses.Add(ByteString.Empty), "invalid IP address of 0 bytes, expected 4 or 16"),
        ["legacy tunnel"] = Workload(
            w => w.TunnelProtocol = Proto.TunnelProtocol.LegacyIstioMtls, "unsupported tunnel protocol 2"),
        ["unknown tunnel"] = Workload(w => w.TunnelProtocol = (Proto.TunnelProtocol)9, "unsupported tunnel protocol 9"),
        ["network mode"] = Workload(w => w.NetworkMode = (Proto.NetworkMode)9, "unknown network mode 9"),
        ["status"] = Workload(w => w.Status = (Proto.WorkloadStatus)9, "unknown workload status 9"),
        ["application tunnel"] = Workload(
            w => w.ApplicationTunnel = new() { Protocol = (Proto.ApplicationTunnel.Types.Protocol)9 },
            "unknown application tunnel protocol 9"),
        ["service key"] = Workload(w => w.Services["web"] = new(), "service 'web' is not namespace/hostname"),
        ["workload waypoint, nothing"] = Workload(w => w.Waypoint = new(), NoDestination),
        ["workload waypoint, address"] = Workload(w => w.Waypoint = At(Five), FiveBytes),
        ["network gateway, nothing"] = Workload(w => w.NetworkGateway = new() { HboneMtlsPort = 15008 }, NoDestination),
        ["network gateway, address"] = Workload(w => w.NetworkGateway = At(Five), FiveBytes),
        ["service address"] = Service(s => s.Addresses.Add(new Proto.NetworkAddress { Address = Five }), FiveBytes),
        ["service range, address"] = Service(
            s => s.Addresses.Add(new Proto.NetworkAddress { Address = Five, Length = 8 }), FiveBytes),
        ["service range, length of IPv4"] = Service(
            s => s.Addresses.Add(Range("10.0.0.0", 33)), "invalid prefix length 33 of 10.0.0.0"),
        ["service range, length of IPv6"] = Service(
            s => s.Addresses.Add(Range("fd00::", 129)), "invalid prefix length 129 of fd00::"),
        ["service waypoint, nothing"] = Service(s => s.Waypoint = new(), NoDestination),
        ["service waypoint, address"] = Service(s => s.Waypoint = At(Five), FiveBytes),
        ["weighted waypoint, none"] = Service(
            s => s.WeightedWaypoints.Add(new Proto.WeightedWaypoint { Weight = 1 }), NoDestination),
        ["weighted waypoint, nothing"] = Service(
            s => s.WeightedWaypoints.Add(new Proto.WeightedWaypoint { Destination = new() }), NoDestination),
        ["weighted waypoint, address"] = Service(
            s => s.WeightedWaypoints.Add(new Proto.WeightedWaypoint { Destination = At(Five) }), FiveBytes),
        ["IP families"] = Service(s => s.IpFamilies = (Proto.IPFamilies)9, "unknown IP families 9"),
        ["balancing mode"] = Service(
            s => s.LoadBalancing = new() { Mode = (Proto.LoadBalancing.Types.Mode)9 }, "unknown load balancing mode 9"),
        ["health policy"] = Service(
            s => s.LoadBalancing = new() { HealthPolicy = (Proto.LoadBalancing.Types.HealthPolicy)9 },
            "unknown health policy 9"),
        ["scope 0"] = Service(s => s.LoadBalancing = Preferring(0), "unknown load balancing scope 0"),
        ["scope 9"] = Service(s => s.LoadBalancing = Preferring(9), "unknown load balancing scope 9"),
        ["policy scope"] = Policy((p, _) => p.Scope = (Security.Scope)9, "unknown policy scope 9"),
        ["policy action"] = Policy((p, _) => p.Action = (Security.Action)9, "unknown policy action 9"),
        ["source"] = Policy((_, m) => m.SourceIps.Add(Block(Five)), FiveBytes),
        ["not source"] = Policy((_, m) => m.NotSourceIps.Add(Block(Five)), FiveBytes),
        ["destination"] = Policy((_, m) => m.DestinationIps.Add(Block(Five)), FiveBytes),
        ["not destination"] = Policy((_, m) => m.NotDestinationIps.Add(Block(Five)), FiveBytes),
        ["policy prefix"] = Policy(
            (_, m) => m.SourceIps.Add(Block(Responses.Bytes("10.0.0.0"), 33)), "invalid prefix length 33 of 10.0.0.0"),
        ["namespace"] = Policy((_, m) => m.Namespaces.Add(new Security.StringMatch()), UnknownText),
        ["not namespace"] = Policy((_, m) => m.NotNamespaces.Add(new Security.StringMatch()), UnknownText),
        ["principal"] = Policy((_, m) => m.Principals.Add(new Security.StringMatch()), UnknownText),
        ["not principal"] = Policy((_, m) => m.NotPrincipals.Add(new Security.StringMatch()), UnknownText),
        ["port"] = Policy((_, m) => m.DestinationPorts.Add(65536), "invalid port 65536"),
        ["not port"] = Policy((_, m) => m.NotDestinationPorts.Add(65536), "invalid port 65536"),
    };

    private static BrokenResource Workload(Action<Proto.Workload> damage, string reason) => Whole(
        workload =>
        {
            damage(workload);
            return new Proto.Address { Workload = workload };
        },
        reason);

    private static BrokenResource Service(Action<Proto.Service> damage, string reason)
    {
        var service = Responses.NewService("bad", "10.9.0.9");
        var good = Responses.Resource(service);
        damage(service);
        return new(TypeUrls.Address, good, Responses.Resource(service, "2"), reason);
    }

    private static BrokenResource Policy(Action<Security.Authorization, Security.Match> damage, string reason)
    {
        // A list that restricts beside the damaged entry: without it the policy would match more.
        var match = new Security.Match();
        match.Principals.Add(new Security.StringMatch { Exact = "cluster.local/ns/a/sa/a" });
        var policy = Responses.NewPolicy("bad", match);
        var good = Responses.Resource(policy);
        damage(policy, match);
        return new(TypeUrls.Authorization, good, Responses.Resource(policy), reason);
    }

    private static BrokenResource Whole(Func<Proto.Workload, Proto.Address> damaged, string reason) =>
        Payload(workload => damaged(workload), reason);

    private static BrokenResource Payload(Func<Proto.Workload, Proto.Address?> damaged, string reason)
    {
        var good = Responses.Resource(Responses.NewWorkload("bad", "10.0.0.9"));
        var broken = damaged(Responses.NewWorkload("bad", "10.0.0.9")) is { } address
            ? Responses.Resource(good.Name, address, "2")
            : new Resource { Name = good.Name, Version = "2" };
        return new(TypeUrls.Address, good, broken, reason);
    }

    private static Proto.GatewayAddress At(ByteString address) => new() { Address = new() { Address = address } };

    private static Proto.NetworkAddress Range(string address, uint length) =>
        new() { Address = Responses.Bytes(address), Length = length };

    private static Security.Address Block(ByteString address, uint length = 8) =>
        new() { Address_ = address, Length = length };

    private static Proto.LoadBalancing Preferring(int scope)
    {
        var balancing = new Proto.LoadBalancing();
        balancing.RoutingPreference.Add((Proto.LoadBalancing.Types.Scope)scope);
        return balancing;
    }
}
