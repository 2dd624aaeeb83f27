using System.Text;
using Hbone.Tls;
using Ztunnel.Identity;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Identity;

public sealed class CertificateMetricsTests
{
    private readonly ManualTime _time = new();
    private readonly List<CertificateEntry> _entries = [];

    [Fact]
    public async Task Identity_ShowsWhenItsCertificateEnds()
    {
        var now = _time.GetUtcNow();
        _entries.Add(new(TestCertificates.Alice, TestCertificates.Issue(TestCertificates.Alice, now, now.AddDays(1)), null));
        _entries.Add(new(Numbered(1), null, null));
        _entries.Add(new(Numbered(2), null, "no"));
        _time.Advance(TimeSpan.FromHours(1));

        var page = await ScrapeAsync();

        const string Labels = "{identity=\"spiffe://cluster.local/ns/default/sa/alice\"}";
        var end = now.AddDays(1).ToUnixTimeSeconds();
        Assert.Contains($"\nztunnel_certificate_expiration_timestamp_seconds{Labels} {end}\n", page, StringComparison.Ordinal);
        Assert.Contains($"\nztunnel_certificate_remaining_seconds{Labels} {23 * 3600}\n", page, StringComparison.Ordinal);
        Assert.Contains($"\nztunnel_root_certificate_expiration_timestamp_seconds {end}\n", page, StringComparison.Ordinal);
        Assert.All(
            (string[])["available", "initializing", "unavailable"],
            state => Assert.Contains($"\nztunnel_certificates{"{"}state=\"{state}\"{"}"} 1\n", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Overdue_IsBelowZero()
    {
        var now = _time.GetUtcNow();
        _entries.Add(new(
            TestCertificates.Alice, TestCertificates.Issue(TestCertificates.Alice, now, now.AddMinutes(1)), null));
        _time.Advance(TimeSpan.FromMinutes(3));

        Assert.Contains("alice\"} -120\n", await ScrapeAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyIdentities_ThoseThatEndFirstAreShown()
    {
        var now = _time.GetUtcNow();
        var late = TestCertificates.Issue(TestCertificates.Alice, now, now.AddDays(2));
        var early = TestCertificates.Issue(TestCertificates.Alice, now, now.AddDays(1));
        for (var i = 0; i < CertificateMetrics.MaxIdentities; i++)
        {
            _entries.Add(new(Numbered(i), late, null));
        }

        _entries.Add(new(Numbered(9999), early, null));

        var shown = (await ScrapeAsync()).Split('\n')
            .Where(line => line.StartsWith("ztunnel_certificate_remaining_seconds{", StringComparison.Ordinal)).ToArray();

        Assert.Equal(CertificateMetrics.MaxIdentities, shown.Length);
        Assert.Single(shown, line => line.Contains("n9999", StringComparison.Ordinal));
    }

    private static SpiffeId Numbered(int number) => new("cluster.local", "default", $"n{number}");

    private async Task<string> ScrapeAsync()
    {
        var registry = new MetricsRegistry();
        CertificateMetrics.Add(registry, () => _entries, _time);
        using var text = new MemoryStream();
        await registry.WriteAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
