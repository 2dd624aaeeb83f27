using System.Text;
using Ztunnel.Dns;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Dns;

public sealed class DnsMetricsTests
{
    private readonly MetricsRegistry _registry = new();
    private readonly DnsMetrics _metrics;

    public DnsMetricsTests() => _metrics = new DnsMetrics(_registry);

    [Fact]
    public async Task Labels_OfManyPods_AreBounded()
    {
        for (var i = 0; i < DnsMetrics.MaxSeries + 500; i++)
        {
            _metrics.CountersFor(new DnsLabels("a", DnsTransport.Udp, $"service{i}", "v1")).Requested();
        }

        var requests = (await ScrapeAsync()).Split('\n')
            .Where(line => line.StartsWith("istio_dns_requests_total", StringComparison.Ordinal)).ToArray();

        Assert.Equal(DnsMetrics.MaxSeries + 1, requests.Length);
        Assert.Contains(
            """istio_dns_requests_total{request_query_type="a",request_protocol="udp","""
            + """source_canonical_service="overflow",source_canonical_revision="overflow"} 500""",
            requests);
    }

    [Fact]
    public void Labels_KnownBeforeTheBound_KeepTheirSeries()
    {
        var known = new DnsLabels("aaaa", DnsTransport.Tcp, "first", "v1");
        var counters = _metrics.CountersFor(known);
        for (var i = 0; i < DnsMetrics.MaxSeries + 10; i++)
        {
            _metrics.CountersFor(known with { Service = $"service{i}" });
        }

        Assert.Same(counters, _metrics.CountersFor(known));
    }

    private async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await _registry.WriteAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
