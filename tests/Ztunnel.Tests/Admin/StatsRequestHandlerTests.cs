using System.IO.Compression;
using System.Text;
using Fixtures;
using Microsoft.Extensions.Primitives;
using Ztunnel.Admin;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Admin;

public sealed class StatsRequestHandlerTests
{
    private const string OpenMetrics = "application/openmetrics-text;charset=utf-8;version=1.0.0";
    private const string Plain = "text/plain; charset=utf-8";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", Plain)]
    [InlineData("*/*", Plain)]
    [InlineData("text/plain;version=0.0.4", Plain)]
    [InlineData("application/openmetrics-text", OpenMetrics)]
    [InlineData("text/plain;q=0.5, Application/OpenMetrics-Text; version=1.0.0;q=0.3", OpenMetrics)]
    [InlineData("application/openmetrics-textual", Plain)]
    public async Task M2_A5_ContentType_OfAccept_IsNegotiated(string accept, string expected)
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15020, "GET", "/metrics", ("Accept", accept));

        Assert.Equal(expected, response.Content.Headers.NonValidated["Content-Type"].ToString());
        Assert.Equal("# EOF\n", await response.Content.ReadAsStringAsync(Token));
    }

    [Theory]
    [InlineData("a.openmetrics.txt")]
    [InlineData("b.openmetrics.txt")]
    public async Task M2_Headers_OfOpenMetrics_AreTheRecordedOnes(string file)
    {
        var recorded = Fixture.Read("metrics", file).Split("\n\n")[0].Split('\n');
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15020, "GET", "/metrics", ("Accept", "application/openmetrics-text"));

        Assert.Contains($"content-type: {response.Content.Headers.NonValidated["Content-Type"]}", recorded);
        Assert.Contains($"vary: {Assert.Single(response.Headers.Vary)}", recorded);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public async Task M2_A6_Body_Compressed_DecodesToTheSame(string coding)
    {
        await using var admin = await AdminFixture.StartAsync();
        admin.Metrics.Add(new MetricFamily("many", "Many.", "gauge",
            () => Enumerable.Range(0, 5000).Select(i => new MetricSample(i, text => text.Label("i"u8, $"{i}")))));
        var expected = await admin.GetTextAsync(15020, "/stats/prometheus");

        using var response = await admin.SendAsync(15020, "GET", "/metrics", ("Accept-Encoding", coding));

        Assert.Equal(coding, Assert.Single(response.Content.Headers.ContentEncoding));
        Assert.Equal("accept-encoding", Assert.Single(response.Headers.Vary));
        await using var body = await response.Content.ReadAsStreamAsync(Token);
        await using Stream decoded = coding switch
        {
            "gzip" => new GZipStream(body, CompressionMode.Decompress),
            "br" => new BrotliStream(body, CompressionMode.Decompress),
            "zstd" => new ZstdSharp.DecompressionStream(body),
            _ => new ZLibStream(body, CompressionMode.Decompress),
        };
        using var reader = new StreamReader(decoded, Encoding.UTF8);
        Assert.Equal(expected, await reader.ReadToEndAsync(Token));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("identity", null)]
    [InlineData("zstd", "zstd")]
    [InlineData("br, zstd", "zstd")]
    [InlineData("compress", null)]
    [InlineData("gzip;q=0", null)]
    [InlineData("br, gzip, deflate", "gzip")]
    [InlineData("gzip;q=0.5, BR;q=0.8", "br")]
    [InlineData("*", "gzip")]
    [InlineData("*;q=0.1, deflate", "deflate")]
    [InlineData("gzip;q=nonsense", null)]
    public void Choose_OfAcceptEncoding_IsTheBestWeCanMake(string acceptEncoding, string? expected)
    {
        Assert.Equal(expected, ContentEncoding.Choose(new StringValues(acceptEncoding)));
    }
}
