using System.Net;
using System.Text.Json;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.InPod;

/// <summary>A pod of this node in <c>workloadState</c> of the config dump, which istioctl reads for its connections.</summary>
/// <param name="Uid">Of the pod.</param>
/// <param name="Info">What the CNI agent says of it.</param>
/// <param name="Connections">Its connections, asked for once, when it is written; null while it cannot be served.</param>
internal sealed record PodDump(string Uid, WorkloadInfo Info, Func<IReadOnlyList<ConnectionTelemetry>>? Connections)
{
    /// <summary>All pods, sorted by UID.</summary>
    public static IEnumerable<PodDump> Of(PodSet pods) => pods.Running
        .Select(pod => new PodDump(pod.Uid, pod.Info, () => pod.Server.Connections.Open))
        .Concat(pods.Pending.Select(pod => new PodDump(pod.Uid, pod.Info, null)))
        .OrderBy(pod => pod.Uid, StringComparer.Ordinal);

    /// <summary>What writes one member of the object: UID and state. A step for each connection, of which a pod may have many.</summary>
    public static IEnumerable<Action<Utf8JsonWriter>> StepsOf(PodDump pod)
    {
        yield return json => json.WriteStartObject(pod.Uid);
        if (pod.Connections?.Invoke() is { } connections)
        {
            yield return static json =>
            {
                json.WriteStartObject("connections");
                json.WriteStartArray("inbound");
            };
            foreach (var connection in connections)
            {
                if (connection.Facts.Reporter == Reporter.Destination)
                {
                    yield return json => WriteInbound(json, connection.Facts);
                }
            }

            yield return static json =>
            {
                json.WriteEndArray();
                json.WriteStartArray("outbound");
            };
            foreach (var connection in connections)
            {
                if (connection.Facts.Reporter == Reporter.Source)
                {
                    yield return json => WriteOutbound(json, connection.Facts);
                }
            }

            yield return static json =>
            {
                json.WriteEndArray();
                json.WriteEndObject();
            };
        }

        yield return json => WriteInfo(json, pod);
    }

    private static void WriteInfo(Utf8JsonWriter json, PodDump pod)
    {
        json.WriteStartObject("info");
        json.WriteString("name", pod.Info.Name);
        json.WriteString("namespace", pod.Info.Namespace);
        json.WriteString("serviceAccount", pod.Info.ServiceAccount);
        json.WriteEndObject();
        json.WriteString("state", pod.Connections is null ? "Pending" : "Up");
        json.WriteEndObject();
    }

    private static void WriteInbound(Utf8JsonWriter json, in ConnectionFacts connection) =>
        Write(json, connection, connection.ApplicationAddress, connection.DestinationService?.Hostname);

    private static void WriteOutbound(Utf8JsonWriter json, in ConnectionFacts connection) =>
        Write(json, connection, connection.DestinationAddress, connection.DialledAddress?.ToString());

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
