using Ztunnel.Demo;

namespace Node.Tests.Demo;

public sealed class MetricSampleTests
{
    [Fact]
    public void Page_IsReadWithoutItsComments()
    {
        var samples = MetricSample.Parse(
            """
            # HELP istio_build Istio component build info.
            # TYPE istio_build gauge
            istio_build{component="ztunnel",tag="unknown"} 1
            process_open_fds 12
            odd{text="a \"quoted\", {odd} \\ value",empty=""} 1.5e3
            # EOF
            """);

        Assert.Equal(["istio_build", "process_open_fds", "odd"], samples.Select(sample => sample.Name));
        Assert.Equal([1, 12, 1500], samples.Select(sample => sample.Value));
        Assert.True(samples[0].Has(("component", "ztunnel"), ("tag", "unknown")));
        Assert.False(samples[0].Has(("component", "ztunnel"), ("tag", "known")));
        Assert.False(samples[1].Has(("component", "ztunnel")));
        Assert.True(samples[2].Has(("text", "a \"quoted\", {odd} \\ value"), ("empty", "")));
    }

    [Fact]
    public void SomethingElse_IsRefusedWithTheLine()
    {
        var e = Assert.Throws<CheckFailedException>(() => MetricSample.Parse("<html>"));

        Assert.Contains("<html>", e.Message, StringComparison.Ordinal);
    }
}
