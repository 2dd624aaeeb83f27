using System.Text.Json;
using Ztunnel.Admin;
using Ztunnel.Mesh.Local;

namespace Ztunnel.Mesh.Dump;

/// <summary>
/// What the mesh contributes to <c>/config_dump</c>, in the layout that <c>istioctl</c> reads: one step for each workload,
/// service and policy. Keys are in ordinal order.
/// </summary>
internal static class MeshSections
{
    /// <summary>Array <c>workloads</c> by uid.</summary>
    public static ConfigDumpSection Workloads(MeshSnapshot snapshot) => ConfigDumpSection.Array(
        "workloads",
        () => snapshot.Workloads.OrderBy(workload => workload.Uid, StringComparer.Ordinal),
        WorkloadJson.Write);

    /// <summary>Array <c>services</c> by hostname; endpoints that would never be chosen are left out.</summary>
    public static ConfigDumpSection Services(MeshSnapshot snapshot) => ConfigDumpSection.Array(
        "services",
        () => snapshot.Services
            .OrderBy(service => service.Hostname, StringComparer.Ordinal)
            .ThenBy(service => service.Namespace, StringComparer.Ordinal),
        static (json, service) => ServiceJson.Write(json, service, withUnusable: false));

    /// <summary>Array <c>policies</c> by key.</summary>
    public static ConfigDumpSection Policies(MeshSnapshot snapshot) => ConfigDumpSection.Array(
        "policies", () => snapshot.Policies.OrderBy(policy => policy.Key, StringComparer.Ordinal), PolicyJson.Write);

    /// <summary>Object <c>stagedServices</c>: endpoints by service name of services that nobody has announced.</summary>
    public static ConfigDumpSection StagedServices(MeshSnapshot snapshot) => ConfigDumpSection.Object(
        "stagedServices",
        () => snapshot.StagedEndpoints
            .Select(staged => (Name: staged.Key.ToString(), Endpoints: staged.Value))
            .OrderBy(staged => staged.Name, StringComparer.Ordinal),
        static (json, staged) =>
        {
            json.WritePropertyName(staged.Name);
            ServiceJson.WriteEndpoints(json, staged.Endpoints);
        });

    /// <summary>
    /// Object <c>staticConfig</c>: the local mesh file as it stands, in its order; <see cref="LocalMesh.Empty"/> without one.
    /// </summary>
    public static ConfigDumpSection StaticConfig(LocalMesh mesh) => ConfigDumpSection.Of("staticConfig", () =>
    [
        static json => json.WriteStartObject(),
        .. Member("policies", mesh.Policies, PolicyJson.Write),
        .. Member("services", mesh.Services, static (json, service) => ServiceJson.Write(json, service, withUnusable: true)),
        .. Member("workloads", mesh.Workloads, WorkloadJson.Write),
        static json => json.WriteEndObject(),
    ]);

    private static IEnumerable<Action<Utf8JsonWriter>> Member<T>(
        string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write) =>
        ConfigDumpSection.Array(name, () => items, write).Steps.Prepend(json => json.WritePropertyName(name));
}
