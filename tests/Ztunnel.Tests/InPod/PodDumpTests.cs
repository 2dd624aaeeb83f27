using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Tests.Telemetry;

namespace Ztunnel.Tests.InPod;

/// <summary>Control-plane 7.4: the value of <c>protocol</c> that <c>istioctl ztunnel-config connections</c> prints.</summary>
public sealed class PodDumpTests
{
    [Theory]
    [InlineData(false, false, "TCP")]
    [InlineData(true, false, "HBONE")]
    [InlineData(true, true, "DOUBLEHBONE")]
    public void Protocol_OfAConnection_IsHowItTravels(bool tls, bool gateway, string expected)
    {
        var connection = RecordedMesh.Outbound(RecordedMesh.B) with { MutualTls = tls, ByGateway = gateway };

        var dump = Write(new PodDump("uid", new WorkloadInfo("a", "default", "a"), [connection]));

        var outbound = Assert.Single(dump["connections"]!["outbound"]!.AsArray());
        Assert.Equal(expected, outbound!["protocol"]!.GetValue<string>());
        Assert.Empty(dump["connections"]!["inbound"]!.AsArray());
    }

    private static JsonObject Write(PodDump pod)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            PodDump.Write(json, pod);
            json.WriteEndObject();
        }

        return JsonNode.Parse(output.ToArray())![pod.Uid]!.AsObject();
    }
}
