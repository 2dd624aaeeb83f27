using System.Text.RegularExpressions;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed class AccessLogTests
{
    public static TheoryData<string, int> Recordings()
    {
        var data = new TheoryData<string, int>();
        foreach (var file in (string[])["access-plain.json", "access-json.json"])
        {
            var count = RecordedSituation.All(file).Count();
            for (var i = 0; i < count; i++)
            {
                data.Add(file, i);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Line_RecordedSituation_IsTheRecordedLine(string file, int index)
    {
        var situation = RecordedSituation.All(file).ElementAt(index);
        using var log = new LogCapture(file == "access-json.json" ? LogFormat.Json : LogFormat.Plain, "info");
        var telemetry = new TelemetryHub(new TrafficMetrics(new MetricsRegistry()), new AccessLog(log.Sink), log.Time);

        situation.Replay(telemetry, log.Time);

        var line = Assert.Single(log.Lines());
        Assert.Equal(WithoutTime(situation.Line), WithoutTime(line));
    }

    [Fact]
    public void Recordings_AreThere()
    {
        Assert.Equal(25, RecordedSituation.All("access-plain.json").Count());
        Assert.Equal(25, RecordedSituation.All("access-json.json").Count());
    }

    [Fact]
    public void Opened_AtDebug_HasTheKeysUpToDirection()
    {
        using var log = new LogCapture(LogFormat.Plain);

        new AccessLog(log.Sink).Opened(RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007"));

        Assert.Equal(
            "2026-08-20T12:00:00.000000Z\tdebug\taccess\tconnection opened\t"
            + "src.addr=10.77.0.1:40000 src.workload=\"a\" src.namespace=\"default\" "
            + "src.identity=\"spiffe://cluster.local/ns/default/sa/a\" src.cluster=\"cluster1\" "
            + "dst.addr=10.77.0.2:15008 dst.hbone_addr=10.77.0.2:7007 dst.service=\"b.shop.svc.cluster.local\" "
            + "dst.workload=\"b\" dst.namespace=\"shop\" dst.identity=\"spiffe://cluster.local/ns/shop/sa/b\" "
            + "dst.cluster=\"cluster1\" direction=\"outbound\"",
            Assert.Single(log.Lines()));
    }

    [Fact]
    public void Completed_UnknownSource_IsCalledByItsCanonicalService()
    {
        using var log = new LogCapture(LogFormat.Plain);
        var facts = RecordedMesh.Inbound("10.77.0.2:7007") with
        {
            Source = null,
            SourceFallback = new ClaimedLabels
            {
                CanonicalName = "far \"away\"",
                Namespace = "there",
                ClusterId = "c2",
            },
        };

        new AccessLog(log.Sink).Completed(facts, 1, 2, TimeSpan.Zero, null);

        Assert.Contains(
            """src.workload="far \"away\"" src.namespace="there" """
            + """src.identity="spiffe://cluster.local/ns/default/sa/a" src.cluster="c2" dst""",
            Assert.Single(log.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public void Completed_ServerBehindAGateway_HasItsOwnWordsAndTheProvedIdentity()
    {
        using var log = new LogCapture(LogFormat.Plain);
        var facts = RecordedMesh.Outbound(to: null, hbone: "far.shop.svc.cluster.local:80") with
        {
            DestinationIdentity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/far"),
            DestinationFallback = new ClaimedLabels { CanonicalName = "far", Namespace = "shop", ClusterId = "c2" },
        };

        new AccessLog(log.Sink).Completed(facts, 1, 2, TimeSpan.Zero, null);

        Assert.Contains(
            "dst.addr=10.77.0.2:15008 dst.hbone_addr=far.shop.svc.cluster.local:80 dst.workload=\"far\" "
            + "dst.namespace=\"shop\" dst.identity=\"spiffe://cluster.local/ns/shop/sa/far\" dst.cluster=\"c2\" direction",
            Assert.Single(log.Lines()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(Reporter.Source), "bytes_sent=10 bytes_recv=3")]
    [InlineData(nameof(Reporter.Destination), "bytes_sent=3 bytes_recv=10")]
    public void Completed_Bytes_AreSeenFromTheReporter(string reporter, string expected)
    {
        using var log = new LogCapture(LogFormat.Plain);
        var facts = RecordedMesh.Inbound() with { Reporter = Enum.Parse<Reporter>(reporter) };

        new AccessLog(log.Sink).Completed(facts, received: 10, sent: 3, TimeSpan.Zero, null);

        Assert.Contains(expected, Assert.Single(log.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public void HboneTarget_ThatLooksLikeFields_StaysOneField()
    {
        using var log = new LogCapture(LogFormat.Plain);

        new AccessLog(log.Sink).Completed(RecordedMesh.Inbound("x dst.addr=1\n2"), 0, 0, TimeSpan.Zero, null);

        Assert.Contains(@"dst.hbone_addr=x\u{20}dst.addr=1\n2 ", Assert.Single(log.Lines()), StringComparison.Ordinal);
    }

    [Fact]
    public void AllLines_LevelOff_AllocateNothing()
    {
        using var log = new LogCapture(LogFormat.Plain, "access=off,info");
        var access = new AccessLog(log.Sink);
        var facts = RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007");
        access.Opened(facts);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            access.Opened(facts);
            access.Completed(facts, 1, 1, TimeSpan.Zero, null);
            access.Failed(Reporter.Source, facts.SourceAddress, facts.DestinationAddress, "no");
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(["2026-08-20T12:00:00.000000Z\twarn\tother\tstill here\t"], LinesAfterWarning(log));
    }

    private static string[] LinesAfterWarning(LogCapture log)
    {
        log.Sink.CreateLogger("other").Log(LogLevel.Warning, default, "still here", null, (text, _) => text);
        return log.Lines();
    }

    private static string WithoutTime(string line) =>
        Regex.Replace(line, @"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME");
}
