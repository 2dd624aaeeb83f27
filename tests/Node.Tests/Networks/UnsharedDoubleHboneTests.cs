namespace Node.Tests.Networks;

/// <summary>The same way with <c>POOL_DOUBLE_HBONE=false</c>: an inner tunnel for every connection.</summary>
public sealed class UnsharedDoubleHboneTests(UnsharedNetworksFixture fixture) : IClassFixture<UnsharedNetworksFixture>
{
    private readonly TwoNetworks _networks = fixture.Networks;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ShortConnections_EachItsOwnInnerTunnel_NoLastByteLost()
    {
        const int Count = 1_000;
        await using var server = PodServer.Start(_networks.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var since = _networks.Gateway.Count;

        await ShortConnections.RunAsync(_networks, Count, Token);

        Assert.Equal(Count, _networks.Gateway.Reports("stream", since).Count);
        Assert.True(_networks.Gateway.Reports("session", since).Count < 20, "connections to the gateway are shared");

        // Each ends in order, and with it the gateway's stream.
        var started = TimeProvider.System.GetTimestamp();
        while (_networks.Gateway.Reports("end", since).Count < Count)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30), "inner tunnels stay open");
            await Task.Delay(50, Token);
        }

        Assert.All(_networks.Gateway.Reports("end", since), end => Assert.Equal(0, end.GetProperty("code").GetInt32()));
    }
}
