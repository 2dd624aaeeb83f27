using System.Net;
using System.Text.Json;
using Fixtures;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.Mesh.Routing;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>What the reference decided for recorded dials of pod a, replayed on the same mesh file.</summary>
public sealed class RecordedRoutesTests
{
    private static readonly MeshSnapshot Mesh =
        LocalMeshFile.Load(Fixture.PathOf("mesh", "twopods.yaml")).ApplyTo(Empty);

    public static TheoryData<string, string> Dials()
    {
        var data = new TheoryData<string, string>();
        using var outbound = JsonDocument.Parse(Fixture.Read("hbone", "outbound.json"));
        foreach (var recorded in outbound.RootElement.EnumerateArray())
        {
            var logs = recorded.GetProperty("source_log").EnumerateArray().Select(line => line.GetString()!)
                .Where(line => line.Contains("connection complete", StringComparison.Ordinal));
            foreach (var (dial, log) in recorded.GetProperty("dials").EnumerateArray().Zip(logs))
            {
                data.Add(dial.GetString()!, log);
            }
        }

        using var logged = JsonDocument.Parse(Fixture.Read("logs", "access-plain.json"));
        foreach (var recorded in logged.RootElement.EnumerateArray())
        {
            if (recorded.TryGetProperty("dial", out var dial) && recorded.TryGetProperty("source_log", out var log))
            {
                data.Add(dial.GetString()!, log[0].GetString()!);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Dials))]
    public void Dial_Recorded_IsDecidedAlike(string dial, string log)
    {
        var expected = FieldsOf(log);
        var source = Mesh.FindLocalWorkload(new("a", "default", "a"))!;
        var target = IPEndPoint.Parse(dial);

        OutboundRoute Route() => new OutboundRouter("", AnyRandom).Route(Mesh, source, target, source.Addresses[0]);

        if (log.Contains("connection failed", StringComparison.Ordinal))
        {
            Assert.Equal(expected["error"], Assert.Throws<ProxyException>(() => (object)Route()).Message);
            return;
        }

        var route = Route();
        Assert.Equal(expected["dst.addr"], route.Dial.ToString());
        Assert.Equal(expected.GetValueOrDefault("dst.hbone_addr"), route.HboneTarget);
        Assert.Equal(expected.GetValueOrDefault("dst.service"), route.DestinationService?.Hostname);
        Assert.Equal(expected.GetValueOrDefault("dst.workload"), route.DestinationWorkload?.Name);
        Assert.Equal(
            expected.GetValueOrDefault("dst.identity"),
            route.Protocol == OutboundProtocol.Hbone ? route.DestinationWorkload?.Identity.ToString() : null);
    }

    /// <summary>Values are bare or quoted, and without spaces but for those of <c>error</c>, which is last.</summary>
    private static Dictionary<string, string> FieldsOf(string log)
    {
        Dictionary<string, string> fields = [];
        var (head, error) = log.Split('\t')[^1].Split(" error=") switch
        {
            [var whole] => (whole, null),
            [var before, var text] => (before, text.Trim('"')),
            _ => throw new FormatException(log),
        };
        foreach (var field in head.Split(' '))
        {
            var equals = field.IndexOf('=', StringComparison.Ordinal);
            fields[field[..equals]] = field[(equals + 1)..].Trim('"');
        }

        if (error is not null)
        {
            fields["error"] = error;
        }

        return fields;
    }
}
