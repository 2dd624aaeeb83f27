using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>The four traffic counters of a proxy for some labels, from now on.</summary>
internal sealed class TrafficWatch
{
    private static readonly string[] Names =
        ["connections_opened", "connections_closed", "received_bytes", "sent_bytes"];

    private readonly ProxyProcess _proxy;
    private readonly (string, string)[] _labels;
    private double[] _before = [];

    private TrafficWatch(ProxyProcess proxy, (string, string)[] labels) => (_proxy, _labels) = (proxy, labels);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<TrafficWatch> StartAsync(ProxyProcess proxy, params (string, string)[] labels)
    {
        var watch = new TrafficWatch(proxy, labels);
        watch._before = await watch.ReadAsync();
        return watch;
    }

    /// <summary>Waits until they have grown by exactly this.</summary>
    public async Task WaitForAsync(int opened, int closed, int received, int sent)
    {
        double[] expected = [opened, closed, received, sent];
        double[] growth = [];
        var deadline = DateTime.UtcNow + TimeSpan.FromSeconds(10);
        do
        {
            growth = [.. (await ReadAsync()).Zip(_before, (now, then) => now - then)];
            if (growth.SequenceEqual(expected))
            {
                return;
            }

            await Task.Delay(20, Token);
        }
        while (DateTime.UtcNow < deadline);
        Assert.Equal(expected, growth);
    }

    private async Task<double[]> ReadAsync()
    {
        var samples = MetricSample.Parse(await _proxy.MetricsPageAsync(Token));
        return
        [
            .. Names.Select(name => samples
                .Where(sample => sample.Name == $"istio_tcp_{name}_total" && sample.Has(_labels))
                .Sum(sample => sample.Value)),
        ];
    }
}
