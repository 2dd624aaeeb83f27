using System.Net;
using System.Net.Sockets;
using System.Text;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Admin;

/// <summary>Requests with a wrong method or size, and callers that do not behave.</summary>
public sealed class AdminLimitsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(15000, "/", "PUT", 200)]
    [InlineData(15000, "/config_dump", "DELETE", 200)]
    [InlineData(15000, "/config_dump/", "GET", 404)]
    [InlineData(15000, "/CONFIG_DUMP", "GET", 404)]
    [InlineData(15000, "/logging", "HEAD", 405)]
    [InlineData(15000, "/logging", "DELETE", 405)]
    [InlineData(15000, "/quitquitquit", "HEAD", 405)]
    [InlineData(15000, "/quitquitquit", "PUT", 405)]
    [InlineData(15000, "/metrics", "GET", 404)]
    [InlineData(15020, "/metrics", "PUT", 200)]
    [InlineData(15020, "/metrics", "OPTIONS", 200)]
    [InlineData(15020, "/metrics/", "GET", 404)]
    [InlineData(15020, "/stats/prometheus?a=b", "GET", 200)]
    [InlineData(15020, "/config_dump", "GET", 404)]
    [InlineData(15020, "/quitquitquit", "POST", 404)]
    [InlineData(15021, "/healthz/ready", "HEAD", 405)]
    [InlineData(15021, "/healthz/ready", "PUT", 405)]
    [InlineData(15021, "/healthz/ready?x", "GET", 200)]
    [InlineData(15021, "/quitquitquit", "POST", 404)]
    public async Task Method_ThatAPathDoesNotHave_IsRefused(int port, string path, string method, int expected)
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(port, method, path);

        Assert.Equal(expected, (int)response.StatusCode);
        Assert.False(admin.Quit.Task.IsCompleted);
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n", 400)]
    [InlineData("GET nothing HTTP/1.1\r\nhost: x\r\n\r\n", 405)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/3.7\r\nhost: x\r\n\r\n", 505)]
    [InlineData("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n", 400)]
    [InlineData("{\"a\": 1}\r\n\r\n", 400)]
    public async Task Garbage_IsAnsweredAndEndsTheConnection(string request, int expected)
    {
        await using var admin = await AdminFixture.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(admin.EndPointsOf(15000).First(), Token);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Token);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        var answer = await reader.ReadToEndAsync(Token);

        Assert.StartsWith($"HTTP/1.1 {expected}", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RequestLineTooLong_IsRefused()
    {
        await using var admin = await AdminFixture.StartAsync();

        using var response = await admin.SendAsync(15000, "POST", $"/logging?level={new string('a', 9000)}");

        Assert.Equal(HttpStatusCode.RequestUriTooLong, response.StatusCode);
    }

    [Fact]
    public async Task BodyThatNeverComes_IsNotWaitedFor()
    {
        await using var admin = await AdminFixture.StartAsync();
        using var client = new TcpClient();
        await client.ConnectAsync(admin.EndPointsOf(15000).First(), Token);
        await client.GetStream().WriteAsync(
            "POST /logging HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n"u8.ToArray(), Token);

        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);

        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(Token));
    }

    [Fact]
    public async Task Logging_DirectivesWithoutEnd_AreRefusedAndTheFilterStays()
    {
        await using var admin = await AdminFixture.StartAsync();
        var directives = string.Join(',', Enumerable.Range(0, LogFilter.MaxDirectives / 2).Select(i => $"t{i}=debug"));
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(directives));
        var filter = admin.Log.Filter.ToString();

        Assert.Equal(HttpStatusCode.BadRequest, await ChangeAsync(directives.Replace("t", "u", StringComparison.Ordinal)));

        Assert.Equal(filter, admin.Log.Filter.ToString());
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(directives)); // the same ones again are no more

        async Task<HttpStatusCode> ChangeAsync(string level)
        {
            using var response = await admin.SendAsync(15000, "POST", $"/logging?level={level}");
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task HundredScrapes_OfCallersWhoDoNotRead_HoldLittleAndNobodyUp()
    {
        const int Callers = 100;
        const int Lines = 250_000; // far more than a caller's share
        const int LineLength = 100;
        const long MostBytes = 16 << 20; // what one caller's socket and our own can hold, with room
        var written = 0L;
        await using var admin = await AdminFixture.StartAsync();
        var value = new string('x', LineLength);
        admin.Metrics.Add(new MetricFamily("many", "Many.", "gauge", Many));
        var clients = new List<TcpClient>();
        for (var i = 0; i < Callers; i++)
        {
            var client = new TcpClient { ReceiveBufferSize = 4096 };
            clients.Add(client);
            await client.ConnectAsync(new IPEndPoint(IPAddress.Loopback, admin.EndPointsOf(15020).First().Port), Token);
            await client.GetStream().WriteAsync("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"u8.ToArray(), Token);
        }

        foreach (var client in clients)
        {
            await client.GetStream().ReadExactlyAsync(new byte[LineLength], Token);
        }

        Assert.Equal("ready\n", await admin.GetTextAsync(15021, "/healthz/ready"));
        Assert.InRange(Interlocked.Read(ref written), Callers * LineLength, Callers * MostBytes);
        clients.ForEach(client => client.Dispose());

        IEnumerable<MetricSample> Many()
        {
            for (var i = 0; i < Lines; i++)
            {
                Interlocked.Add(ref written, LineLength);
                yield return new MetricSample(1, text => text.Label("x"u8, value));
            }
        }
    }
}
