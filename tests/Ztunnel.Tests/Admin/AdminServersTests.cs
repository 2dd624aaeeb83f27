using System.Net;
using System.Net.Sockets;
using System.Text;
using Ztunnel.Admin;

namespace Ztunnel.Tests.Admin;

public sealed class AdminServersTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_AdminPort_ListensOnLoopbackOnly()
    {
        await using var admin = await AdminFixture.StartAsync();

        Assert.All(admin.EndPointsOf(15000), endPoint => Assert.True(IPAddress.IsLoopback(endPoint.Address)));
        Assert.All(admin.EndPointsOf(15020), endPoint => Assert.Equal(IPAddress.IPv6Any, endPoint.Address));
    }

    [Fact]
    public async Task Start_PortInUse_NamesTheAddressAndOpensNothing()
    {
        await using var admin = await AdminFixture.StartAsync();
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = (ushort)((IPEndPoint)taken.LocalEndpoint).Port;

        var error = await Assert.ThrowsAsync<IOException>(() => admin.StartServersAsync(
            new AdminServerOptions { AdminPort = port, StatsPort = 0, ReadinessPort = 0 }));

        Assert.Equal(
            $"failed to bind to address 127.0.0.1:{port}: Address already in use (os error 98)", error.Message);
    }

    [Fact]
    public async Task Dispose_Running_ClosesTheListeners()
    {
        var admin = await AdminFixture.StartAsync();
        var endPoint = admin.EndPointsOf(15000).First();
        await admin.DisposeAsync();

        using var client = new TcpClient();

        var error = await Assert.ThrowsAnyAsync<SocketException>(() => client.ConnectAsync(endPoint, Token).AsTask());
        Assert.Equal(SocketError.ConnectionRefused, error.SocketErrorCode);
    }

    [Fact]
    public async Task M7_Quit_Post_AnswersFirstAndThenCallsBack()
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15000, "POST", "/quitquitquit");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("shutdown now\n", await response.Content.ReadAsStringAsync(Token));
        await admin.Quit.Task.WaitAsync(Token);
    }

    [Fact]
    public async Task Readiness_PendingTasks_AreListedSorted()
    {
        await using var admin = await AdminFixture.StartAsync();
        admin.Gate.Begin("state manager");
        admin.Gate.Begin("proxy");

        using var response = await admin.SendAsync(15021, "GET", "/healthz/ready");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("not ready, pending: proxy, state manager\n", await response.Content.ReadAsStringAsync(Token));
        admin.Gate.Complete("proxy");
        admin.Gate.Complete("state manager");
        Assert.Equal("ready\n", await admin.GetTextAsync(15021, "/healthz/ready"));
        admin.Gate.Begin("proxy");
        Assert.Equal("not ready, pending: proxy\n", await admin.GetTextAsync(15021, "/healthz/ready"));
    }

    [Fact]
    public async Task Dump_Sections_AreSortedAndIndented()
    {
        await using var admin = await AdminFixture.StartAsync(
            ConfigDumpSection.Array("workloads", () => (int[])[1, 2], (json, item) => json.WriteNumberValue(item)),
            ConfigDumpSection.Object("map", () => (string[])["a"], (json, item) => json.WriteString(item, "b+<ü")),
            ConfigDumpSection.Array("empty", () => (int[])[], (json, item) => json.WriteNumberValue(item)),
            ConfigDumpSection.Value("version", json => json.WriteNullValue()));

        Assert.Equal(
            """
            {
              "empty": [],
              "map": {
                "a": "b+<ü"
              },
              "version": null,
              "workloads": [
                1,
                2
              ]
            }
            """,
            await admin.GetTextAsync(15000, "/config_dump"));
    }

    [Fact]
    public async Task Dump_Big_ArrivesWhole()
    {
        await using var admin = await AdminFixture.StartAsync(ConfigDumpSection.Array(
            "workloads", () => Enumerable.Range(0, 100_000), (json, item) => json.WriteStringValue($"uid of {item}")));

        var dump = await admin.GetTextAsync(15000, "/config_dump");

        using var parsed = System.Text.Json.JsonDocument.Parse(dump);
        Assert.Equal(100_000, parsed.RootElement.GetProperty("workloads").GetArrayLength());
    }

    [Fact]
    public async Task Handler_FailsBeforeAnyOutput_AnswersWithTheText()
    {
        await using var admin = await AdminFixture.StartAsync(
            ConfigDumpSection.Value("bad", _ => throw new InvalidOperationException("no state yet")));

        using var response = await admin.SendAsync(15000, "GET", "/config_dump");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("text/plain", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no state yet", await response.Content.ReadAsStringAsync(Token));
    }

    [Fact]
    public async Task Handler_FailsInTheMiddle_BreaksTheConnection()
    {
        await using var admin = await AdminFixture.StartAsync(
            ConfigDumpSection.Value("a", json => json.WriteStringValue(new string('x', 1_000_000))),
            ConfigDumpSection.Value("b", _ => throw new InvalidOperationException("bug")));

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => admin.GetTextAsync(15000, "/config_dump"));
    }

    [Fact]
    public async Task Request_HeadTooLong_IsRefused()
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15021, "GET", "/healthz/ready", ("x", new string('a', 9000)));

        Assert.Equal(HttpStatusCode.RequestHeaderFieldsTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Request_HttpOneDotZero_IsAnswered()
    {
        await using var admin = await AdminFixture.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(admin.EndPointsOf(15000).First(), Token);

        await client.GetStream().WriteAsync("GET /nothing HTTP/1.0\r\n\r\n"u8.ToArray(), Token);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        Assert.Equal("HTTP/1.1 404 Not Found", await reader.ReadLineAsync(Token));
    }
}
