using System.Text.Json;
using Ztunnel.Mesh.Local;

namespace Ztunnel.Mesh.Dump;

/// <summary>A workload in the dump.</summary>
internal static class WorkloadJson
{
    /// <summary>As the mesh knows it: its services by name only.</summary>
    public static void Write(Utf8JsonWriter writer, Workload workload)
    {
        writer.WriteStartObject();
        WriteBeforeServices(writer, workload);
        if (!workload.Services.IsEmpty)
        {
            writer.WriteTexts(
                "services"u8, workload.Services.Keys.Select(name => name.ToString()).Order(StringComparer.Ordinal));
        }

        WriteAfterServices(writer, workload);
        writer.WriteEndObject();
    }

    /// <summary>As the local file has it: its services with their ports, even if there are none.</summary>
    public static void Write(Utf8JsonWriter writer, LocalWorkload local)
    {
        writer.WriteStartObject();
        WriteBeforeServices(writer, local.Workload);
        writer.WriteStartObject("services"u8);
        foreach (var (name, ports) in local.EndpointOf.OrderBy(entry => entry.Key.ToString(), StringComparer.Ordinal))
        {
            writer.WritePropertyName(name.ToString());
            writer.WritePorts(ports);
        }

        writer.WriteEndObject();
        WriteAfterServices(writer, local.Workload);
        writer.WriteEndObject();
    }

    private static void WriteBeforeServices(Utf8JsonWriter writer, Workload workload)
    {
        if (workload.ApplicationTunnel is { } tunnel)
        {
            WriteApplicationTunnel(writer, tunnel);
        }

        if (!workload.AuthorizationPolicies.IsEmpty)
        {
            writer.WriteTexts("authorizationPolicies"u8, workload.AuthorizationPolicies);
        }

        writer.WriteText("canonicalName"u8, workload.CanonicalName);
        writer.WriteText("canonicalRevision"u8, workload.CanonicalRevision);
        writer.WriteNumber("capacity"u8, workload.Capacity);
        writer.WriteString("clusterId"u8, workload.ClusterId);
        writer.WriteText("hostname"u8, workload.Hostname);
        if (workload.Locality != Locality.Unknown)
        {
            WriteLocality(writer, workload.Locality);
        }

        writer.WriteString("name"u8, workload.Name);
        writer.WriteString("namespace"u8, workload.Namespace);
        if (workload.NativeTunnel)
        {
            writer.WriteBoolean("nativeTunnel"u8, true);
        }

        writer.WriteText("network"u8, workload.Network);
        writer.WriteGateway("networkGateway"u8, workload.NetworkGateway);
        writer.WriteString(
            "networkMode"u8, workload.NetworkMode == NetworkMode.HostNetwork ? "HostNetwork" : "Standard");
        writer.WriteText("node"u8, workload.Node);
        writer.WriteString("protocol"u8, workload.Protocol == TunnelProtocol.Hbone ? "HBONE" : "TCP");
        writer.WriteText("serviceAccount"u8, workload.ServiceAccount);
    }

    private static void WriteAfterServices(Utf8JsonWriter writer, Workload workload)
    {
        writer.WriteString("status"u8, workload.Status.ToText());
        writer.WriteText("trustDomain"u8, workload.TrustDomain);
        writer.WriteText("uid"u8, workload.Uid);
        writer.WriteGateway("waypoint"u8, workload.Waypoint);
        writer.WriteTexts("workloadIps"u8, workload.Addresses.Select(address => address.ToString()));
        writer.WriteText("workloadName"u8, workload.WorkloadName);
        if (workload.WorkloadType is { } type)
        {
            writer.WriteString("workloadType"u8, type.ToText());
        }
    }

    private static void WriteApplicationTunnel(Utf8JsonWriter writer, ApplicationTunnel tunnel)
    {
        writer.WriteStartObject("applicationTunnel"u8);
        if (tunnel.Port is { } port)
        {
            writer.WriteNumber("port"u8, port);
        }
        else
        {
            writer.WriteNull("port"u8);
        }

        writer.WriteString("protocol"u8, tunnel.Protocol == ApplicationTunnelProtocol.Proxy ? "PROXY" : "NONE");
        writer.WriteEndObject();
    }

    private static void WriteLocality(Utf8JsonWriter writer, Locality locality)
    {
        writer.WriteStartObject("locality"u8);
        writer.WriteString("region"u8, locality.Region);
        writer.WriteString("subzone"u8, locality.Subzone);
        writer.WriteString("zone"u8, locality.Zone);
        writer.WriteEndObject();
    }
}
