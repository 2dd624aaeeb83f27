using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Telemetry;

namespace Ztunnel.Tests.InPod;

/// <summary>Control-plane 8.2: what <c>istioctl ztunnel-config connections</c> prints.</summary>
public sealed class PodDumpTests : IDisposable
{
    private static readonly WorkloadInfo Info = new("a", "default", "a");

    private readonly LogCapture _log = new(LogFormat.Plain, "off");
    private readonly TelemetryHub _telemetry;
    private readonly ConnectionTable _table = new();

    public PodDumpTests() =>
        _telemetry = new TelemetryHub(new TrafficMetrics(new MetricsRegistry()), new AccessLog(_log.Sink), _log.Time);

    public void Dispose() => _log.Dispose();

    [Theory]
    [InlineData(false, false, "TCP")]
    [InlineData(true, false, "HBONE")]
    [InlineData(true, true, "DOUBLEHBONE")]
    public void Protocol_OfAConnection_IsHowItTravels(bool tls, bool gateway, string expected)
    {
        Open(RecordedMesh.Outbound(RecordedMesh.B) with { MutualTls = tls, ByGateway = gateway });

        var connections = Write(Up())["connections"]!;

        var outbound = Assert.Single(connections["outbound"]!.AsArray());
        Assert.Equal(expected, outbound!["protocol"]!.GetValue<string>());
        Assert.Empty(connections["inbound"]!.AsArray());
    }

    [Fact]
    public void Connections_OfBothDirections_AreApart()
    {
        Open(RecordedMesh.Inbound("10.77.0.2:7007"));
        Open(RecordedMesh.Outbound(RecordedMesh.B));
        Open(RecordedMesh.Inbound("10.77.0.2:7007"));

        var pod = Write(Up());

        Assert.Equal("Up", pod["state"]!.GetValue<string>());
        Assert.Equal(2, pod["connections"]!["inbound"]!.AsArray().Count);
        Assert.Single(pod["connections"]!["outbound"]!.AsArray());
    }

    /// <summary>A pod may have 200,000 connections, and the dump is sent between two steps.</summary>
    [Fact]
    public void EachConnection_IsAStep()
    {
        var without = PodDump.StepsOf(Up()).Count();
        for (var i = 0; i < 100; i++)
        {
            Open(RecordedMesh.Outbound(RecordedMesh.B));
        }

        Assert.Equal(without + 100, PodDump.StepsOf(Up()).Count());
    }

    [Fact]
    public void PodThatCannotBeServed_IsPending()
    {
        var pod = Write(new PodDump("uid", Info, null));

        Assert.Equal("Pending", pod["state"]!.GetValue<string>());
        Assert.Null(pod["connections"]);
    }

    private void Open(ConnectionFacts facts) => _telemetry.Open(facts, _table);

    private PodDump Up() => new("uid", Info, () => _table.Open);

    private static JsonObject Write(PodDump pod)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            foreach (var write in PodDump.StepsOf(pod))
            {
                write(json);
            }

            json.WriteEndObject();
        }

        return JsonNode.Parse(output.ToArray())![pod.Uid]!.AsObject();
    }
}
