using System.Text.Json;
using Ztunnel.Mesh.Local;

namespace Ztunnel.Mesh.Dump;

/// <summary>
/// Writes what the mesh contributes to <c>/config_dump</c>: the values of <c>workloads</c>, <c>services</c>,
/// <c>policies</c>, <c>stagedServices</c> and <c>staticConfig</c>, in the layout that <c>istioctl</c> reads. Keys are
/// in ordinal order.
/// </summary>
internal static class ConfigDumpWriter
{
    /// <summary>An array by uid.</summary>
    public static void WriteWorkloads(Utf8JsonWriter writer, MeshSnapshot snapshot)
    {
        writer.WriteStartArray();
        foreach (var workload in snapshot.Workloads.OrderBy(workload => workload.Uid, StringComparer.Ordinal))
        {
            WorkloadJson.Write(writer, workload);
        }

        writer.WriteEndArray();
    }

    /// <summary>An array by hostname; endpoints that would never be chosen are left out.</summary>
    public static void WriteServices(Utf8JsonWriter writer, MeshSnapshot snapshot)
    {
        var services = snapshot.Services
            .OrderBy(service => service.Hostname, StringComparer.Ordinal)
            .ThenBy(service => service.Namespace, StringComparer.Ordinal);
        writer.WriteStartArray();
        foreach (var service in services)
        {
            ServiceJson.Write(writer, service, withUnusable: false);
        }

        writer.WriteEndArray();
    }

    /// <summary>An array by key.</summary>
    public static void WritePolicies(Utf8JsonWriter writer, MeshSnapshot snapshot)
    {
        writer.WriteStartArray();
        foreach (var policy in snapshot.Policies.OrderBy(policy => policy.Key, StringComparer.Ordinal))
        {
            PolicyJson.Write(writer, policy);
        }

        writer.WriteEndArray();
    }

    /// <summary>An object: endpoints by service name of services that nobody has announced.</summary>
    public static void WriteStagedServices(Utf8JsonWriter writer, MeshSnapshot snapshot)
    {
        writer.WriteStartObject();
        foreach (var (name, endpoints) in snapshot.StagedEndpoints.OrderBy(
            staged => staged.Key.ToString(), StringComparer.Ordinal))
        {
            writer.WritePropertyName(name.ToString());
            ServiceJson.WriteEndpoints(writer, endpoints);
        }

        writer.WriteEndObject();
    }

    /// <summary>
    /// An object: the local mesh file as it stands, in its order; <see cref="LocalMesh.Empty"/> without one.
    /// </summary>
    public static void WriteStaticConfig(Utf8JsonWriter writer, LocalMesh mesh)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("policies"u8);
        foreach (var policy in mesh.Policies)
        {
            PolicyJson.Write(writer, policy);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("services"u8);
        foreach (var service in mesh.Services)
        {
            ServiceJson.Write(writer, service, withUnusable: true);
        }

        writer.WriteEndArray();
        writer.WriteStartArray("workloads"u8);
        foreach (var workload in mesh.Workloads)
        {
            WorkloadJson.Write(writer, workload);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
