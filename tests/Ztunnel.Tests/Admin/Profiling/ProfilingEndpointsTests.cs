using System.Net;

namespace Ztunnel.Tests.Admin.Profiling;

public sealed class ProfilingEndpointsTests
{
    private const string Switch = "/debug/pprof/heap/profiling";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("profile?seconds=0")]
    [InlineData("profile?seconds=301")]
    [InlineData("profile?seconds=-1")]
    [InlineData("profile?seconds=1.5")]
    [InlineData("profile?seconds=99999999999999999999")]
    [InlineData("profile?seconds=")]
    [InlineData("profile?seconds=1&seconds=2")]
    [InlineData("profile?seconds=1&frequency=0")]
    [InlineData("profile?seconds=1&frequency=1001")]
    [InlineData("profile?frequency=often")]
    [InlineData("heap/profiling")]
    [InlineData("heap/profiling?activate=")]
    [InlineData("heap/profiling?activate=yes")]
    [InlineData("heap/profiling?activate=true&activate=false")]
    public async Task BadParameter_Is400AndSaysWhatIsExpected(string request)
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15000, "GET", $"/debug/pprof/{request}");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("invalid parameter", await response.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/debug/pprof")]
    [InlineData("/debug/pprof/")]
    [InlineData("/debug/pprof/goroutine")]
    [InlineData("/debug/pprof/heap/")]
    public async Task UnknownPath_Is404(string path)
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15000, "GET", path);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(0, response.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task Heap_FollowsItsSwitch()
    {
        await using var admin = await AdminFixture.StartAsync();
        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync("/debug/pprof/heap"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"{Switch}?activate=true"));

        using var response = await admin.SendAsync(15000, "GET", "/debug/pprof/heap");

        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType!.ToString());
        Assert.NotEmpty(ProfileTests.Read(await response.Content.ReadAsByteArrayAsync(Token)).Sample);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync($"{Switch}?activate=false"));
        Assert.Equal(HttpStatusCode.InternalServerError, await StatusAsync("/debug/pprof/heap"));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var answer = await admin.SendAsync(15000, "GET", path);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Cpu_LastsAsLongAsAskedFor()
    {
        await using var admin = await AdminFixture.StartAsync();
        var asking = admin.SendAsync(15000, "GET", "/debug/pprof/profile?seconds=300&frequency=1000");
        while (!asking.IsCompleted)
        {
            admin.Time.Advance(TimeSpan.FromSeconds(1)); // as often as it takes the request to arrive, and 300 times more
            await Task.Yield();
        }

        using var response = await asking;

        var profile = ProfileTests.Read(await response.Content.ReadAsByteArrayAsync(Token));
        Assert.Equal(300_000_000_000, profile.DurationNanos);
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType!.ToString());
    }

    [Fact]
    public async Task Cpu_CallerWhoLeaves_HoldsNothingUp()
    {
        var admin = await AdminFixture.StartAsync();
        using var client = new System.Net.Sockets.TcpClient();
        await client.ConnectAsync(admin.EndPointsOf(15000).First(), Token);
        await client.GetStream().WriteAsync("GET /debug/pprof/profile?seconds=300 HTTP/1.1\r\nhost: x\r\n\r\n"u8.ToArray(), Token);
        client.Close();

        // The clock stands still, so a profile that went on would never end.
        await admin.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Token);
    }
}
