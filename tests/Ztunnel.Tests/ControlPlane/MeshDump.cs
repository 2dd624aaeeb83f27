using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.Admin;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Dump;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Compares a snapshot with a recorded <c>/config_dump</c>: all of the mesh, order without meaning aside.</summary>
internal static class MeshDump
{
    public static void AssertEqual(JsonObject expected, MeshSnapshot actual, string step)
    {
        AssertList(MeshSections.Workloads(actual));
        AssertList(MeshSections.Services(actual));
        AssertList(MeshSections.Policies(actual));
        var staged = Written(MeshSections.StagedServices(actual));
        Assert.True(
            JsonNode.DeepEquals(expected["stagedServices"], staged),
            $"{step}: staged {staged.ToJsonString()}, expected {expected["stagedServices"]?.ToJsonString()}");

        void AssertList(ConfigDumpSection section) => Assert.Equal(
            Texts(expected[section.Key]!), Texts(Written(section)));
    }

    /// <summary>The same of two snapshots of ours.</summary>
    public static JsonObject Of(MeshSnapshot snapshot) => new()
    {
        ["workloads"] = Written(MeshSections.Workloads(snapshot)),
        ["services"] = Written(MeshSections.Services(snapshot)),
        ["policies"] = Written(MeshSections.Policies(snapshot)),
        ["stagedServices"] = Written(MeshSections.StagedServices(snapshot)),
    };

    private static JsonNode Written(ConfigDumpSection section)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            foreach (var write in section.Steps)
            {
                write(json);
            }
        }

        return JsonNode.Parse(output.ToArray())!;
    }

    private static string[] Texts(JsonNode list) =>
        [.. list.AsArray().Select(item => Canonical(item!).ToJsonString()).Order(StringComparer.Ordinal)];

    // Keys by name; the services of a workload are a map on the wire.
    private static JsonNode Canonical(JsonNode node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(
            entry => KeyValuePair.Create(entry.Key, entry switch
            {
                { Value: null } => null,
                { Key: "services", Value: JsonArray names } => new JsonArray(
                    [.. names.Select(name => (string)name!).Order(StringComparer.Ordinal).Select(n => (JsonNode)n)]),
                { Value: { } value } => (JsonNode?)Canonical(value),
            }))),
        JsonArray list => new JsonArray([.. list.Select(item => item is null ? null : Canonical(item))]),
        _ => node.DeepClone(),
    };
}
