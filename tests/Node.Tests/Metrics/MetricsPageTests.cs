using System.Text.RegularExpressions;
using Fixtures;
using Ztunnel.Demo;

namespace Node.Tests.Metrics;

/// <summary>The metrics pages of proxies that had traffic, against the rules of node-integration 5.1 and data-path 13.</summary>
[Collection<ScrapedNodesCollection>]
public sealed partial class MetricsPageTests(ScrapedNodes scraped)
{
    /// <summary>Promised to stay as they are, so their help says nothing.</summary>
    private static readonly string[] Stable =
    [
        "istio_build", "istio_tcp_connections_opened", "istio_tcp_connections_closed", "istio_tcp_received_bytes",
        "istio_tcp_sent_bytes",
    ];

    /// <summary>Names that Istio's dashboards ask for and that a linter would have otherwise.</summary>
    private static readonly string[] NamedByIstio =
        ["workload_manager_active_proxy_count", "workload_manager_pending_proxy_count"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task E13_M1_A7_Help_SaysUnstableOfAllButTheStable()
    {
        foreach (var page in await PagesAsync())
        {
            var families = Help.Matches(page).ToDictionary(help => help.Groups["name"].Value, help => help.Groups["text"].Value);

            Assert.Empty(Stable.Except(families.Keys));
            Assert.All(families.Where(family => !IsOfTheProcess(family.Key)), family => Assert.Equal(
                (family.Key, !Stable.Contains(family.Key)),
                (family.Key, family.Value.Contains("(unstable)", StringComparison.Ordinal))));
        }

        static bool IsOfTheProcess(string name) => name.StartsWith("process_", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.txt")]
    [InlineData("b.txt")]
    [InlineData("a.openmetrics.txt")]
    [InlineData("b.openmetrics.txt")]
    [InlineData("shared-na.txt")]
    [InlineData("shared-nb.txt")]
    public async Task M1_Heads_AreThoseOfTheRecordingInItsOrder(string file)
    {
        var recorded = HeadsOf(Fixture.Read("metrics", file)).Where(head => !head.Contains(" tokio_", StringComparison.Ordinal)).ToArray();

        foreach (var page in await PagesAsync())
        {
            Assert.Equal(recorded, HeadsOf(page).Intersect(recorded));
        }

        static string[] HeadsOf(string page) => [.. page.Split('\n').Where(line => line.StartsWith('#'))];
    }

    [Fact]
    public async Task M1_A7_BuildAndDescriptors_AreThere()
    {
        foreach (var page in await PagesAsync())
        {
            var samples = MetricSample.Parse(page);

            Assert.True(Assert.Single(samples, sample => sample.Name == "istio_build").Has(("component", "ztunnel")));
            Assert.True(Assert.Single(samples, sample => sample.Name == "process_open_fds").Value > 0);
            Assert.True(Assert.Single(samples, sample => sample.Name == "process_max_fds").Value > 0);
        }
    }

    [Fact]
    public async Task M1_Labels_AreNeverEmptyAndSeriesNeverTwice()
    {
        foreach (var page in await PagesAsync())
        {
            var samples = MetricSample.Parse(page);

            Assert.All(samples, sample => Assert.DoesNotContain("", sample.Labels.Values));
            var series = samples.Select(sample => $"{sample.Name} {string.Join(",", sample.Labels.OrderBy(label => label.Key))}").ToArray();
            Assert.Equal(series.Distinct().Count(), series.Length);
        }
    }

    [Fact]
    public async Task OwnFamilies_AreInTheDocument()
    {
        var document = await File.ReadAllTextAsync(Path.Combine(Fixture.RepositoryRoot, "docs/metrics.md"), Token);
        foreach (var page in await PagesAsync())
        {
            var own = MetricSample.Parse(page).Select(sample => sample.Name)
                .Where(name => name.StartsWith("ztunnel_", StringComparison.Ordinal)).Distinct().ToArray();

            Assert.NotEmpty(own);
            Assert.All(own, name => Assert.Contains($"| `{name}` |", document, StringComparison.Ordinal));
        }
    }

    // The heads name a counter without _total, as OpenMetrics has it, so for a reader of the older form it has no help.
    [Fact]
    public async Task M1_Promtool_FindsNothingButWhatIstiosNamesCause()
    {
        foreach (var page in await PagesAsync())
        {
            var expected = Counter.Matches(page).Select(counter => $"{counter.Groups["name"].Value}_total no help text")
                .Concat(NamedByIstio.Select(name =>
                    $"{name} non-histogram and non-summary metrics should not have \"_count\" suffix"));

            var result = await ChildProcess.RunAsync(
                new ProcessSpec("promtool", "check", "metrics") { Input = page }, TimeSpan.FromSeconds(20), Token);

            Assert.Equal(
                expected.Order(StringComparer.Ordinal),
                result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
        }
    }

    private async Task<string[]> PagesAsync() =>
    [
        await scraped.Nodes.Near.Proxy.MetricsPageAsync(Token),
        await scraped.Nodes.Far.Proxy.MetricsPageAsync(Token),
    ];

    [GeneratedRegex("^# HELP (?<name>[a-z0-9_]+) (?<text>.*)$", RegexOptions.Multiline)]
    private static partial Regex Help { get; }

    [GeneratedRegex("^# TYPE (?<name>[a-z0-9_]+) counter$", RegexOptions.Multiline)]
    private static partial Regex Counter { get; }
}
