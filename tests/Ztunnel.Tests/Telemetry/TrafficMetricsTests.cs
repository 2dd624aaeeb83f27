using System.Text;
using Fixtures;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed class TrafficMetricsTests : IDisposable
{
    private readonly MetricsRegistry _registry = new();
    private readonly TrafficMetrics _metrics;
    private readonly LogCapture _log = new(LogFormat.Plain, "off");
    private readonly TelemetryHub _telemetry;

    public TrafficMetricsTests()
    {
        _metrics = new TrafficMetrics(_registry);
        _telemetry = new TelemetryHub(_metrics, new AccessLog(_log.Sink), _log.Time);
    }

    public void Dispose() => _log.Dispose();

    [Theory]
    [InlineData("a.txt", nameof(Reporter.Source))]
    [InlineData("b.txt", nameof(Reporter.Destination))]
    public async Task Scrape_AfterTheRecordedConnections_IsTheRecordedText(string file, string reporterName)
    {
        var reporter = Enum.Parse<Reporter>(reporterName);
        foreach (var situation in RecordedSituation.All("access-plain.json").Where(s => s.Reporter == reporter))
        {
            situation.Replay(_telemetry, _log.Time);
        }

        // At the time of the scrape two more connections were open, which had exchanged four bytes each way.
        foreach (var _ in (int[])[1, 2])
        {
            _metrics.SocketOpened(reporter);
            var open = _telemetry.Open(reporter == Reporter.Source
                ? RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007")
                : RecordedMesh.Inbound("10.77.0.2:7007"));
            open.AddReceived(4);
            open.AddSent(4);
        }

        var expected = Fixture.Read("metrics", file);
        expected = expected[expected.IndexOf("# HELP istio_tcp_connections_opened", StringComparison.Ordinal)..];
        Assert.Equal(Families(expected), Families(await ScrapeAsync()));
    }

    [Fact]
    public async Task A7_Scrape_NothingHappened_IsOnlyTheEnd()
    {
        Assert.Equal("# EOF\n", await ScrapeAsync());
    }

    [Fact]
    public async Task Labels_NeitherEndKnown_HaveNoLocality()
    {
        _telemetry.Open(RecordedMesh.Outbound(null) with { Source = null });

        var scrape = await ScrapeAsync();

        Assert.Contains("""connection_security_policy="unknown"} 1""", scrape, StringComparison.Ordinal);
        Assert.DoesNotContain("region", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Labels_UnknownSource_ComeFromItsOwnWords()
    {
        _telemetry.Open(RecordedMesh.Inbound("10.77.0.2:7007") with
        {
            Source = null,
            SourceFallback = new ClaimedLabels
            {
                ClusterId = "c2",
                Namespace = "far",
                WorkloadName = "w",
                CanonicalName = "svc",
                CanonicalRevision = "r\"\\\n",
                Region = "us",
            },
        });

        Assert.Contains(
            """source_workload="w",source_canonical_service="svc",source_canonical_revision="r\"\\\n","""
            + """source_workload_namespace="far",source_principal="spiffe://cluster.local/ns/default/sa/a","""
            + """source_app="w",source_version="r\"\\\n",source_cluster="c2",""",
            await ScrapeAsync(), StringComparison.Ordinal);
    }

    /// <summary>A peer that changes one label at will must not make every look-up go through all it has made.</summary>
    [Theory]
    [InlineData(nameof(ClaimedLabels.WorkloadName))]
    [InlineData(nameof(ClaimedLabels.Namespace))]
    [InlineData(nameof(ClaimedLabels.CanonicalName))]
    [InlineData(nameof(ClaimedLabels.CanonicalRevision))]
    [InlineData(nameof(ClaimedLabels.ClusterId))]
    [InlineData(nameof(ClaimedLabels.Region))]
    [InlineData(nameof(ClaimedLabels.Zone))]
    public void Labels_ThatDifferInOneClaim_HaveDifferentHashes(string claim)
    {
        var facts = RecordedMesh.Inbound("10.77.0.2:7007") with { Source = null };
        var hashes = Enumerable.Range(0, 1000).Select(i =>
        {
            var words = new ClaimedLabels();
            typeof(ClaimedLabels).GetProperty(claim)!.SetValue(words, $"v{i}");
            return TrafficLabels.Of(facts with { SourceFallback = words }).GetHashCode();
        }).ToHashSet();

        Assert.InRange(hashes.Count, 990, 1000);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Labels_OfManyInventedPeers_AreBounded(bool source)
    {
        var facts = source ? RecordedMesh.Inbound("10.77.0.2:7007") : RecordedMesh.Outbound(to: null, hbone: "far:80");
        for (var i = 0; i < TrafficMetrics.MaxClaimedSeries + 500; i++)
        {
            var words = new ClaimedLabels { WorkloadName = $"w{i}" };
            _metrics.CountersFor(source
                ? facts with { Source = null, SourceFallback = words }
                : facts with { DestinationFallback = words }).Opened();
        }

        var opened = (await ScrapeAsync()).Split('\n')
            .Where(line => line.StartsWith("istio_tcp_connections_opened_total", StringComparison.Ordinal)).ToArray();

        var name = source ? "source_workload" : "destination_workload";
        Assert.Equal(TrafficMetrics.MaxClaimedSeries + 1, opened.Length);
        Assert.Single(opened, line => line.Contains($"{name}=\"unknown\"", StringComparison.Ordinal)
            && line.EndsWith(" 500", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(nameof(Reporter.Source))]
    [InlineData(nameof(Reporter.Destination))]
    public async Task SeriesEnough_FarEndsAreFoldedAndSumsStayRight(string reporterName)
    {
        const int Max = 10;
        var registry = new MetricsRegistry();
        var metrics = new TrafficMetrics(registry, Max);
        metrics.AddLimitsTo(registry);
        var telemetry = new TelemetryHub(metrics, new AccessLog(_log.Sink), _log.Time);
        var isSource = reporterName == nameof(Reporter.Source);
        var connections = Enumerable.Range(0, Max + 5).Select(i => telemetry.Open(Facts(i))).ToArray();
        foreach (var connection in connections)
        {
            connection.AddReceived(100);
            connection.Close(new ProxyException(ConnectionFailure.Deny, "no"));
        }

        telemetry.Open(Facts(0)).Close(null); // one that has its series goes on counting there
        var samples = Ztunnel.Demo.MetricSample.Parse(await ScrapeAsync(registry));

        var (near, far) = isSource ? ("source", "destination") : ("destination", "source");
        (string, string)[] overflow =
        [
            ($"{near}_workload", isSource ? "a-deploy" : "b-deploy"), ($"{far}_workload", "overflow"),
            ($"{far}_principal", "overflow"), ("destination_service", "overflow"),
        ];
        Assert.Equal(Max + 6, Sum("istio_tcp_connections_opened_total"));
        Assert.Equal(100 * (Max + 5), Sum("istio_tcp_received_bytes_total"));
        Assert.Equal(5, Sum("istio_tcp_connections_opened_total", overflow));
        Assert.Equal(5, Sum("istio_tcp_connections_closed_total", [("response_flags", "DENY"), .. overflow]));
        Assert.Equal(Max + 1, Sum("ztunnel_traffic_series"));
        Assert.Equal(Max, Sum("ztunnel_traffic_series_limit"));
        Assert.Equal(5, Sum("ztunnel_traffic_series_folded_connections_total"));

        ConnectionFacts Facts(int i) => isSource
            ? RecordedMesh.Outbound(RecordedMesh.B with { WorkloadName = $"w{i}" }, RecordedMesh.ServiceB, "10.77.0.2:7007")
            : RecordedMesh.Inbound("10.77.0.2:7007") with { Source = RecordedMesh.A with { WorkloadName = $"w{i}" } };

        double Sum(string name, params (string, string)[] labels) => samples
            .Where(sample => sample.Name == name && sample.Has(labels)).Sum(sample => sample.Value);
    }

    [Fact]
    public void SeriesEnoughOfNearEndsToo_AllFallIntoOne()
    {
        var metrics = new TrafficMetrics(new MetricsRegistry(), maxSeries: 1);
        for (var i = 0; i < TrafficMetrics.MaxFoldedSeries + 100; i++)
        {
            metrics.CountersFor(RecordedMesh.Outbound(RecordedMesh.B) with
            {
                Source = RecordedMesh.A with { WorkloadName = $"w{i}" },
            }).Opened();
        }

        Assert.Equal(1 + TrafficMetrics.MaxFoldedSeries + 1, metrics.SeriesCount);
    }

    [Fact]
    public void RoomAgain_NewLabelsHaveTheirOwnSeries()
    {
        var metrics = new TrafficMetrics(new MetricsRegistry(), maxSeries: 1);
        var first = metrics.CountersFor(RecordedMesh.Outbound(RecordedMesh.B));
        var folded = metrics.CountersFor(RecordedMesh.Outbound(RecordedMesh.Plain));
        first.Closed(ConnectionFailure.None, _log.Time.GetTimestamp());

        metrics.Expire(first);

        var own = metrics.CountersFor(RecordedMesh.Outbound(RecordedMesh.Plain));
        Assert.NotSame(folded, own);
        Assert.Equal(SeriesKind.Known, own.Kind);
    }

    [Fact]
    public void CountersFor_EqualLabels_AreTheSameWithoutAllocation()
    {
        var facts = RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007");
        var counters = _metrics.CountersFor(facts);
        var other = facts with { Destination = RecordedMesh.B with { Uid = "another pod" } };

        var before = GC.GetAllocatedBytesForCurrentThread();
        var again = _metrics.CountersFor(other);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Same(counters, again);
    }

    [Fact]
    public async Task Sockets_AllClosed_AreZero()
    {
        _metrics.SocketOpened(Reporter.Destination);
        _metrics.SocketClosed(Reporter.Destination);

        var scrape = await ScrapeAsync();

        Assert.EndsWith("_sockets_open{reporter=\"destination\"} 0\n# EOF\n", scrape, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Process_AtStart_HasTheRecordedHeads()
    {
        ProcessMetrics.Add(_registry, "1.2.3");

        var lines = (await ScrapeAsync()).Split('\n');

        var recorded = Fixture.Read("metrics", "a.txt").Split('\n');
        Assert.Equal(recorded[..2], lines[..2]);
        Assert.Matches("^process_open_fds [1-9][0-9]*$", lines[2]);
        Assert.Equal(recorded[3..5], lines[3..5]);
        Assert.Matches("^process_max_fds [1-9][0-9]*$", lines[5]);
        Assert.Equal(recorded.Where(line => line.Contains(" istio_build ", StringComparison.Ordinal)), lines[6..8]);
        Assert.Equal("istio_build{component=\"ztunnel\",tag=\"1.2.3\"} 1", lines[8]);
    }

    private Task<string> ScrapeAsync() => ScrapeAsync(_registry);

    private static async Task<string> ScrapeAsync(MetricsRegistry registry)
    {
        using var text = new MemoryStream();
        await registry.WriteAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    /// <summary>Heads in order, each with its samples sorted: their order has no meaning.</summary>
    private static IEnumerable<string> Families(string text) => text.Split("# HELP ").SelectMany(family =>
        family.Split('\n').Where(line => line is not "" and not "# EOF")
            .OrderBy(line => line.Contains('{', StringComparison.Ordinal) ? line : "", StringComparer.Ordinal));
}
