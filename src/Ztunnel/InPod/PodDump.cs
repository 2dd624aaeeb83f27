using System.Net;
using System.Text.Json;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>The pods of this node as <c>workloadState</c> of the config dump, which istioctl reads for its connections.</summary>
internal sealed record PodDump(string Uid, WorkloadInfo Info, IReadOnlyList<ConnectionFacts>? Connections)
{
    /// <summary>All pods, sorted by UID.</summary>
    public static IEnumerable<PodDump> Of(PodSet pods) => pods.Running
        .Select(pod => new PodDump(pod.Uid, pod.Info, pod.Server.Connections.Open))
        .Concat(pods.Pending.Select(pod => new PodDump(pod.Uid, pod.Info, null)))
        .OrderBy(pod => pod.Uid, StringComparer.Ordinal);

    /// <summary>Writes one member of the object: UID and state.</summary>
    public static void Write(Utf8JsonWriter json, PodDump pod)
    {
        json.WriteStartObject(pod.Uid);
        if (pod.Connections is { } connections)
        {
            json.WriteStartObject("connections");
            json.WriteStartArray("inbound");
            foreach (var connection in connections.Where(connection => connection.Reporter == Reporter.Destination))
            {
                Write(json, connection, connection.ApplicationAddress, connection.DestinationService?.Hostname);
            }

            json.WriteEndArray();
            json.WriteStartArray("outbound");
            foreach (var connection in connections.Where(connection => connection.Reporter == Reporter.Source))
            {
                Write(json, connection, connection.DestinationAddress, connection.DialledAddress?.ToString());
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteStartObject("info");
        json.WriteString("name", pod.Info.Name);
        json.WriteString("namespace", pod.Info.Namespace);
        json.WriteString("serviceAccount", pod.Info.ServiceAccount);
        json.WriteEndObject();
        json.WriteString("state", pod.Connections is null ? "Pending" : "Up");
        json.WriteEndObject();
    }

    private static void Write(
        Utf8JsonWriter json, in ConnectionFacts connection, IPEndPoint? actual, string? original)
    {
        json.WriteStartObject();
        json.WriteString("actualDst", actual?.ToString());
        json.WriteString("originalDst", original);
        json.WriteString("protocol", ProtocolOf(connection));
        json.WriteString("src", connection.SourceAddress.ToString());
        json.WriteEndObject();
    }

    private static string ProtocolOf(in ConnectionFacts connection) => connection switch
    {
        { ByGateway: true } => "DOUBLEHBONE",
        { MutualTls: true } => "HBONE",
        _ => "TCP",
    };
}
