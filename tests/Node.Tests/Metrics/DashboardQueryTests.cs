using System.Globalization;
using System.Text.Json.Nodes;
using Node.Tests.InPod;

namespace Node.Tests.Metrics;

/// <summary>
/// What Grafana's dashboard and Kiali ask Prometheus for (node-integration 5.4) has an answer, read through a Prometheus
/// that scraped us. Queries of <c>container_</c> metrics are left out: these come from the kubelet.
/// </summary>
[Collection<ScrapedNodesCollection>]
public sealed class DashboardQueryTests(ScrapedNodes scraped)
{
    private const string Pods = "pod=~\"ztunnel-.*\"";

    private const string GraphLabels =
        "app,source_cluster,source_workload_namespace,source_workload,source_canonical_service,source_canonical_revision,"
        + "destination_cluster,destination_service_namespace,destination_service,destination_service_name,"
        + "destination_workload_namespace,destination_workload,destination_canonical_service,"
        + "destination_canonical_revision,response_flags";

    private const string SecurityLabels =
        GraphLabels + ",source_principal,destination_principal,connection_security_policy";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Panels of "Istio Ztunnel Dashboard".</summary>
    public static TheoryData<string> Grafana() =>
    [
        "sum by (tag) (istio_build{component=\"ztunnel\"})",
        $"sum by (pod) (rate(istio_tcp_connections_opened_total{{{Pods}}}[1m]))",
        $"sum by (pod) (rate(istio_tcp_connections_closed_total{{{Pods}}}[1m]))",
        $"sum by (pod) (rate(istio_tcp_sent_bytes_total{{{Pods}}}[1m]))",
        $"sum by (pod) (rate(istio_tcp_received_bytes_total{{{Pods}}}[1m]))",
        $"sum by (pod) (rate(istio_dns_requests_total{{{Pods}}}[1m]))",
        $"sum by (pod) (rate(istio_xds_connection_terminations_total{{{Pods}}}[1m]))",
        "sum by (url) (irate(istio_xds_message_total[1m]))",
        $"sum by (pod) (workload_manager_active_proxy_count{{{Pods}}})",
        $"sum by (pod) (workload_manager_pending_proxy_count{{{Pods}}})",
        "sum by (pod) (istio_tcp_connections_opened_total{app=\"ztunnel\"})"
            + " - sum by (pod) (istio_tcp_connections_closed_total{app=\"ztunnel\"})",
        "process_open_fds{app=\"ztunnel\"}",
        "sum by (pod) (istio_tcp_sockets_open{app=\"ztunnel\"})",
    ];

    /// <summary>Its ztunnel tab, graph, security badges and overview.</summary>
    public static TheoryData<string> Kiali() =>
    [
        $"sum(rate(istio_tcp_connections_opened_total{{{Pods}}}[1m]))",
        $"sum(rate(istio_tcp_connections_closed_total{{{Pods}}}[1m]))",
        $"sum(rate(istio_tcp_received_bytes_total{{{Pods}}}[1m]))",
        $"sum(rate(istio_tcp_sent_bytes_total{{{Pods}}}[1m]))",
        $"sum(workload_manager_active_proxy_count{{{Pods}}})",
        "sum by (tag) (istio_build{component=\"ztunnel\"})",
        $"sum(rate(istio_tcp_sent_bytes_total{{reporter=\"source\"}}[1m])) by ({GraphLabels}) > 0",
        $"sum(rate(istio_tcp_received_bytes_total{{reporter=\"destination\"}}[1m])) by ({GraphLabels}) > 0",
        $"sum(rate(istio_tcp_sent_bytes_total{{app=\"ztunnel\",reporter=\"source\"}}[1m])) by ({SecurityLabels}) > 0",
        "sum(rate(istio_tcp_sent_bytes_total{reporter=\"destination\"}[1m]))",
    ];

    [Theory]
    [MemberData(nameof(Grafana))]
    public async Task M5_GrafanaPanel_HasData(string query) => Assert.NotEmpty(await UntilAnsweredAsync(query));

    [Theory]
    [MemberData(nameof(Kiali))]
    public async Task M5_KialiPage_HasData(string query) => Assert.NotEmpty(await UntilAnsweredAsync(query));

    [Fact]
    public async Task M5_KialiGraph_HasTheEdgeOfOurConnectionsWithAllItsLabels()
    {
        const string Query =
            $"sum(istio_tcp_sent_bytes_total{{app=\"ztunnel\",reporter=\"source\",source_workload=\"client\","
            + $"destination_workload=\"remote\"}}) by ({SecurityLabels})";

        var edge = Assert.Single(await UntilAnsweredAsync(Query))!;

        Assert.Equal(0, ValueOf(edge) % EchoCalls.Answer.Length); // whole answers
        Assert.NotEqual(0, ValueOf(edge));
        var labels = edge["metric"]!.AsObject();
        Assert.Equal(SecurityLabels.Split(',').Order(), labels.Select(label => label.Key).Order());
        Assert.All(labels, label => Assert.NotEqual("", label.Value!.GetValue<string>()));
        Assert.Equal(scraped.Nodes.Client.Identity, labels["source_principal"]!.GetValue<string>());
        Assert.Equal(scraped.Nodes.Remote.Identity, labels["destination_principal"]!.GetValue<string>());
        Assert.Equal("mutual_tls", labels["connection_security_policy"]!.GetValue<string>());
    }

    [Fact]
    public async Task M5_Prometheus_TakesEveryLineOfBothProxies()
    {
        Assert.Single(await UntilAnsweredAsync("count(up{app=\"ztunnel\"} == 1) == 2"));

        // It counts what it read in a scrape; at a moment without traffic that is what the page has.
        await EchoCalls.UntilAsync(
            async () =>
            {
                var page = await scraped.Nodes.Near.Proxy.MetricsPageAsync(Token);
                var lines = page.Split('\n').Count(line => line.Length > 0 && line[0] != '#');
                return await ScrapedAsync() == lines;
            },
            "a scrape has as many samples as the page");

        async Task<double> ScrapedAsync() =>
            ValueOf((await UntilAnsweredAsync("scrape_samples_scraped{pod=\"ztunnel-near\"}"))[0]!);
    }

    /// <summary>Rates need a second scrape, and above zero connections between them.</summary>
    private async Task<JsonArray> UntilAnsweredAsync(string query)
    {
        JsonArray answer = [];
        await EchoCalls.UntilAsync(
            async () =>
            {
                answer = await scraped.Prometheus.QueryAsync(query, Token);
                if (answer.Count == 0)
                {
                    await scraped.CallAsync();
                }

                return answer.Count > 0;
            },
            query);
        return answer;
    }

    private static double ValueOf(JsonNode series) =>
        double.Parse(series["value"]![1]!.GetValue<string>(), CultureInfo.InvariantCulture);
}
