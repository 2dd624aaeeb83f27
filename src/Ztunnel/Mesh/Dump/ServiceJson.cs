using System.Text.Json;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Mesh.Dump;

/// <summary>A service in the dump.</summary>
internal static class ServiceJson
{
    /// <param name="withUnusable">Whether endpoints are written that the service's health policy excludes.</param>
    public static void Write(Utf8JsonWriter writer, Service service, bool withUnusable)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("canonical"u8, service.Canonical);
        if (!service.CidrVips.IsEmpty)
        {
            WriteCidrVips(writer, service);
        }

        writer.WritePropertyName("endpoints"u8);
        WriteEndpoints(writer, service.Endpoints.Where(entry => withUnusable || service.Admits(entry.Value.Status)));
        writer.WriteString("hostname"u8, service.Hostname);
        if (service.IpFamilies is { } families)
        {
            writer.WriteString("ipFamilies"u8, ToText(families));
        }

        if (service.LoadBalancer is { } loadBalancer)
        {
            WriteLoadBalancer(writer, loadBalancer);
        }

        writer.WriteString("name"u8, service.Name);
        writer.WriteString("namespace"u8, service.Namespace);
        writer.WritePropertyName("ports"u8);
        writer.WritePorts(service.Ports);
        writer.WriteTexts("subjectAltNames"u8, service.SubjectAltNames);
        writer.WriteTexts("vips"u8, service.Vips.Select(vip => vip.ToString()));
        writer.WriteString("visibility"u8, service.Visibility == Visibility.Namespace ? "Namespace" : "Public");
        writer.WriteGateway("waypoint"u8, service.Waypoint);
        if (!service.WeightedWaypoints.IsEmpty)
        {
            WriteWeightedWaypoints(writer, service);
        }

        writer.WriteEndObject();
    }

    /// <summary>An object by uid.</summary>
    public static void WriteEndpoints(
        Utf8JsonWriter writer, IEnumerable<KeyValuePair<string, ServiceEndpoint>> endpoints)
    {
        writer.WriteStartObject();
        foreach (var (uid, endpoint) in endpoints.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            writer.WriteStartObject(uid);
            writer.WritePropertyName("port"u8);
            writer.WritePorts(endpoint.Ports);
            writer.WriteString("status"u8, endpoint.Status.ToText());
            writer.WriteString("workloadUid"u8, endpoint.WorkloadUid);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteCidrVips(Utf8JsonWriter writer, Service service)
    {
        writer.WriteStartArray("cidrVips"u8);
        foreach (var range in service.CidrVips)
        {
            writer.WriteStartObject();
            writer.WriteString("cidr"u8, range.Cidr.ToString());
            writer.WriteString("network"u8, range.Network);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteLoadBalancer(Utf8JsonWriter writer, LoadBalancer loadBalancer)
    {
        writer.WriteStartObject("loadBalancer"u8);
        writer.WriteString(
            "healthPolicy"u8, loadBalancer.HealthPolicy == HealthPolicy.AllowAll ? "AllowAll" : "OnlyHealthy");
        writer.WriteString("mode"u8, ToText(loadBalancer.Mode));
        writer.WriteTexts("routingPreferences"u8, loadBalancer.RoutingPreferences.Select(ToText));
        writer.WriteEndObject();
    }

    private static void WriteWeightedWaypoints(Utf8JsonWriter writer, Service service)
    {
        writer.WriteStartArray("weightedWaypoints"u8);
        foreach (var waypoint in service.WeightedWaypoints)
        {
            writer.WriteStartObject();
            writer.WriteGateway("destination"u8, waypoint.Destination);
            writer.WriteNumber("weight"u8, waypoint.Weight);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string ToText(IpFamilies families) => families switch
    {
        IpFamilies.Dual => "Dual",
        IpFamilies.IPv4 => "IPv4",
        IpFamilies.IPv6 => "IPv6",
        _ => throw new ArgumentOutOfRangeException(nameof(families), families, "unknown IP families"),
    };

    private static string ToText(LoadBalancerMode mode) => mode switch
    {
        LoadBalancerMode.Standard => "Standard",
        LoadBalancerMode.Strict => "Strict",
        LoadBalancerMode.Failover => "Failover",
        LoadBalancerMode.Passthrough => "Passthrough",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "unknown load balancer mode"),
    };

    private static string ToText(LoadBalancerScope scope) => scope switch
    {
        LoadBalancerScope.Region => "Region",
        LoadBalancerScope.Zone => "Zone",
        LoadBalancerScope.Subzone => "Subzone",
        LoadBalancerScope.Node => "Node",
        LoadBalancerScope.Cluster => "Cluster",
        LoadBalancerScope.Network => "Network",
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "unknown load balancer scope"),
    };
}
