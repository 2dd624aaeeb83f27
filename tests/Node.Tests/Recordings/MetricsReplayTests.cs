using Fixtures;

namespace Node.Tests.Recordings;

/// <summary>
/// The scrapes of <c>fixtures/metrics/{a,b}.txt</c> were made after the recorded situations: afterwards our pages have
/// the same traffic families with the same label sets in the same spelling. Values are not compared, because some of
/// the recorded situations had been brought about more than once.
/// </summary>
[Collection<PlainAccessReplay>]
public sealed class MetricsReplayTests(PlainAccessReplay replay)
{
    private const string TrafficPrefix = "istio_tcp_";

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void TrafficFamilies_HaveTheSameLabelSets(string pod)
    {
        var recorded = Fixture.Read("metrics", $"{pod}.txt");
        var page = pod == "a" ? replay.Metrics.A : replay.Metrics.B;

        Assert.Equal(LabelSets(recorded), LabelSets(page));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void TrafficFamilies_HaveTheSameTypesAndHelp(string pod)
    {
        var recorded = Fixture.Read("metrics", $"{pod}.txt");
        var page = pod == "a" ? replay.Metrics.A : replay.Metrics.B;

        Assert.Equal(Comments(recorded), Comments(page));
    }

    [Fact]
    public void EveryConnection_IsCountedAsOpenedAndClosedOnce()
    {
        AssertCounted(replay.AllLines.A, replay.Metrics.A);
        AssertCounted(replay.AllLines.B, replay.Metrics.B);

        static void AssertCounted(string[] log, string page)
        {
            var complete = log.Count(line => line.Contains("connection complete", StringComparison.Ordinal));
            Assert.Equal(complete, Sum(page, "istio_tcp_connections_opened_total"));
            Assert.Equal(complete, Sum(page, "istio_tcp_connections_closed_total"));
        }
    }

    /// <summary>Each sample as it is on the page, without its value.</summary>
    private static string[] LabelSets(string page) =>
    [
        .. page.Split('\n')
            .Where(line => line.StartsWith(TrafficPrefix, StringComparison.Ordinal))
            .Select(line => line[..line.LastIndexOf(' ')])
            .Order(StringComparer.Ordinal),
    ];

    private static string[] Comments(string page) =>
    [
        .. page.Split('\n')
            .Where(line => line.StartsWith('#') && line.Contains(TrafficPrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal),
    ];

    private static double Sum(string page, string family) =>
        Ztunnel.Demo.MetricSample.Parse(page).Where(sample => sample.Name == family).Sum(sample => sample.Value);
}
