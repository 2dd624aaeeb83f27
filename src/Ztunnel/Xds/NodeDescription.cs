using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Ztunnel.Config;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Xds;

/// <summary>How this proxy introduces itself (proto message <c>Node</c>): istiod reads id and metadata.</summary>
internal static class NodeDescription
{
    // Not CLUSTER_DOMAIN: istiod cuts the id at its tildes and looks no further.
    private const string DomainSuffix = "svc.cluster.local";

    public static Node Of(ProxyOptions options)
    {
        var metadata = new Struct();
        metadata.Fields["NAME"] = Value.ForString(options.PodName);
        metadata.Fields["NAMESPACE"] = Value.ForString(options.PodNamespace);
        metadata.Fields["INSTANCE_IPS"] = Value.ForString(options.InstanceIp);
        metadata.Fields["NODE_NAME"] = Value.ForString(options.NodeName ?? "");
        foreach (var (name, value) in options.ProxyMetadata)
        {
            metadata.Fields[name] = Value.ForString(value);
        }

        foreach (var (name, json) in options.JsonMetadata)
        {
            using var document = JsonDocument.Parse(json);
            metadata.Fields[name] = ToValue(document.RootElement);
        }

        return new Node
        {
            Id = $"ztunnel~{options.InstanceIp}~{options.PodName}.{options.PodNamespace}"
                + $"~{options.PodNamespace}.{DomainSuffix}",
            Metadata = metadata,
        };
    }

    private static Value ToValue(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => Value.ForStruct(ToStruct(json)),
        JsonValueKind.Array => Value.ForList([.. json.EnumerateArray().Select(ToValue)]),
        JsonValueKind.String => Value.ForString(json.GetString()),
        JsonValueKind.Number => Value.ForNumber(json.GetDouble()),
        JsonValueKind.True or JsonValueKind.False => Value.ForBool(json.GetBoolean()),
        _ => Value.ForNull(),
    };

    private static Struct ToStruct(JsonElement json)
    {
        var result = new Struct();
        foreach (var property in json.EnumerateObject())
        {
            result.Fields[property.Name] = ToValue(property.Value);
        }

        return result;
    }
}
