using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Fixtures;

namespace Ztunnel.Tests.Inspect;

/// <summary>An admin server that answers, or does not.</summary>
public sealed class AdminServerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Workloads_OfAServer_AsksForTheConfigDump()
    {
        var body = Fixture.Read("config_dump", "localhost.json");
        var (request, result) = await AskAsync(Answer("200 OK", body));

        Assert.StartsWith("GET /config_dump HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Equal((0, Fixture.Read("istioctl", "recorded", "localhost.workload.txt"), ""), result);
    }

    [Theory]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nNot Found\n", "answered 404 Not Found: Not Found")]
    [InlineData("HTTP/1.1 500 Oh\r\nContent-Length: 12\r\n\r\n\u001b[2Jbad\nmore", "answered 500 Oh: \\u001b[2Jbad")]
    [InlineData("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "answered 503 No")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "answered 302 Found")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", "answered 204 No Content")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "ends too early or is not JSON at line 1, byte 1: ")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"workloads\":[", "broke off after 14 bytes: ")]
    [InlineData("SSH-2.0-OpenSSH\r\n", "invalid")]
    [InlineData("", "ended prematurely")]
    public async Task Workloads_OfAServerThatFails_OneLineOfError(string answer, string error)
    {
        var (_, result) = await AskAsync(answer);

        Assert.Equal((1, ""), (result.Status, result.Output));
        Assert.StartsWith("URL/config_dump: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(error, result.Error, StringComparison.Ordinal);
        Assert.Equal(result.Error.Length - 1, result.Error.IndexOf('\n', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Workloads_NobodyListens_SaysSo()
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // keeps the port from others

        var (status, output, error) = await Inspecting.RunAsync("workloads", "--admin", $"{bound.LocalEndPoint}");

        Assert.Equal((1, ""), (status, output));
        Assert.StartsWith($"http://{bound.LocalEndPoint}/config_dump: Connection refused", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workloads_ServerIsSilent_EndsAfterTenSeconds()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var time = new ManualTime();
        var running = Inspecting.RunAsync(time, "workloads", "--admin", $"{listener.LocalEndpoint}");

        time.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal((1, "", $"http://{listener.LocalEndpoint}/config_dump: no answer within 10 s\n"), await running);
    }

    private static string Answer(string status, string body) => string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>Asks a server that sends this and closes.</summary>
    private static async Task<(string Request, (int Status, string Output, string Error) Result)> AskAsync(string answer)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var running = Inspecting.RunAsync("workloads", "--admin", $"{listener.LocalEndpoint}");
        using var socket = await listener.AcceptSocketAsync(Token);
        var request = "";
        var buffer = new byte[4096];
        while (!request.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            request += Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Token));
        }

        await socket.SendAsync(Encoding.UTF8.GetBytes(answer), Token);
        socket.Shutdown(SocketShutdown.Both);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var refusing = CloseOthersAsync(listener, ended.Token);
        var (status, output, error) = await running;
        await ended.CancelAsync();
        await refusing;
        return (request, (status, output, error.Replace($"http://{listener.LocalEndpoint}", "URL", StringComparison.Ordinal)));
    }

    // A client whose connection was closed without a word asks again.
    private static async Task CloseOthersAsync(TcpListener listener, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using var socket = await listener.AcceptSocketAsync(stop);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody asks any more.
        }
    }
}
