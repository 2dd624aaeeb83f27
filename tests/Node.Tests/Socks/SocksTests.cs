using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Socks;

/// <summary>Port 15080 with clients that are none of ours; data-path 13, E11.</summary>
public sealed class SocksTests(SocksTopology topology) : IClassFixture<SocksTopology>
{
    private const string Proxy = "127.0.0.1:15080";

    // The pods' own loopback, which has both addresses; the server below has one of them only.
    private const string BothFamilies = "localhost";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private Pod Client => topology.Pods.Client;

    private Pod Server => topology.Pods.Server;

    private Pod Plain => topology.Pods.Plain;

    [Theory]
    [InlineData("plain", AddressFamily.InterNetwork)]
    [InlineData("plain", AddressFamily.InterNetworkV6)]
    [InlineData("pod", AddressFamily.InterNetwork)]
    [InlineData("pod", AddressFamily.InterNetworkV6)]
    [InlineData("service", AddressFamily.InterNetwork)]
    [InlineData("service", AddressFamily.InterNetworkV6)]
    public async Task E11_Curl_ByAddress_ReachesTcpHboneAndVip(string target, AddressFamily family)
    {
        var pod = target == "plain" ? Plain : Server;
        await using var server = PodServer.Start(pod, TestMesh.EchoPort, AnswerAsync);
        var since = topology.Pods.ClientProxy.Log.Count;
        var isIpv4 = family == AddressFamily.InterNetwork;
        var (address, port) = target == "service"
            ? (IPAddress.Parse((isIpv4 ? AddressPlan.Service4(1) : AddressPlan.Service6(1)).ToString()!), TestMesh.ServicePort)
            : (isIpv4 ? pod.IPv4 : pod.IPv6!, TestMesh.EchoPort);

        Assert.Equal("hello", await CurlAsync("--socks5", new IPEndPoint(address, port).ToString()));

        Assert.Single(server.Peers);
        var line = await topology.Pods.ClientProxy.WaitForAccessAsync(
            since, access => access["message"] == "connection complete", Token);
        Assert.Equal(target == "plain" ? null : TestMesh.ClientIdentity, line["src.identity"]);
    }

    [Fact]
    public async Task E11_Curl_ByHostname_ReachesTheService()
    {
        await using var server = PodServer.Start(Server, TestMesh.EchoPort, AnswerAsync);

        Assert.Equal("hello", await CurlAsync("--socks5-hostname", $"{TestMesh.ServiceHostname}:{TestMesh.ServicePort}"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public async Task E11_Curl_ByHostnameWithOneFamilyThatAnswers_ReachesIt(string address)
    {
        using var netns = Client.OpenNetns();
        var listened = IPAddress.Parse(address);
        using var listener = netns.CreateTcpSocket(listened.AddressFamily);
        listener.Bind(new IPEndPoint(listened, 0));
        listener.Listen(8);
        var serving = ServeOneAsync(listener);

        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        Assert.Equal("hello", await CurlAsync("--socks5-hostname", string.Create(CultureInfo.InvariantCulture, $"{BothFamilies}:{port}")));
        await serving;
    }

    [Fact]
    public async Task E11_Netcat_ByHostname_ReachesTheService()
    {
        await using var server = PodServer.Start(Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        var spec = new ProcessSpec(
            "nc", "-N", "-w", "10", "-X", "5", "-x", Proxy, TestMesh.ServiceHostname, "80")
        {
            Input = "hello world",
        };

        Assert.Equal("hello worldhello world", (await Client.Namespace.RunAsync(spec, Token)).Succeeded().Output);
    }

    [Fact]
    public async Task Payload_BehindTheRequest_ArrivesWhole()
    {
        await using var server = PodServer.Start(Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var client = await SocksConnection.OpenAsync(Client, Token);

        byte[] all =
        [
            .. SocksConnection.Greeting,
            .. SocksConnection.RequestFor(Server.IPv4, TestMesh.EchoPort),
            .. "hello world"u8,
        ];
        await client.Socket.SendAsync(all, Token);
        client.Socket.Shutdown(SocketShutdown.Send);

        Assert.Equal([5, 0], await client.ReadAsync(2, Token));
        Assert.Equal(0, await client.ReadReplyAsync(Token));
        Assert.Equal("hello worldhello world"u8.ToArray(), await client.ReadAsync(100, Token));
    }

    [Fact]
    public async Task Failure_IsToldByItsCode()
    {
        (string What, byte[] Request, int Code)[] cases =
        [
            ("nobody listens", SocksConnection.RequestFor(Plain.IPv4, TestMesh.UnusedPort), 5),
            ("nobody listens, IPv6", SocksConnection.RequestFor(Plain.IPv6!, TestMesh.UnusedPort), 5),
            ("nobody listens behind a tunnel", SocksConnection.RequestFor(Server.IPv4, TestMesh.UnusedPort), 4),
            ("policy of the peer", SocksConnection.RequestFor(Server.IPv4, TestMesh.DeniedPort), 2),
            ("service without endpoints", SocksConnection.RequestFor("nobody.shop.svc.cluster.local", 80), 2),
            ("ourselves", SocksConnection.RequestFor(IPAddress.Loopback, 15080), 2),
            ("unknown name", SocksConnection.RequestFor("who.invalid", 80), 4),
            ("empty name", SocksConnection.RequestFor("", 80), 4),
            ("BIND", [5, 2, 0, 1, 127, 0, 0, 1, 0, 80], 7),
            ("UDP ASSOCIATE", [5, 3, 0, 1, 127, 0, 0, 1, 0, 80], 7),
            ("address type", [5, 1, 0, 2, 127, 0, 0, 1, 0, 80], 8),
            ("version of the request", [4, 1, 0, 1, 127, 0, 0, 1, 0, 80], 1),
        ];
        foreach (var (what, request, code) in cases)
        {
            using var client = await SocksConnection.OpenAsync(Client, Token);

            Assert.Equal((what, code), (what, await client.AskAsync(request, Token)));
            Assert.Empty(await client.ReadAsync(1, Token));
        }
    }

    [Theory]
    [InlineData("\u0004\u0001\u0000P")] // SOCKS 4
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\u0005\u0001\u0002")] // a password is not asked for
    [InlineData("\u0005\u0000")]
    public async Task Greeting_ThatWillNotDo_IsToldSo(string greeting)
    {
        using var client = await SocksConnection.OpenAsync(Client, Token);

        await client.Socket.SendTextAsync(greeting, Token);

        Assert.Equal([5, 255], await client.ReadAsync(100, Token));
    }

    [Fact]
    public async Task SilentClients_AreSentAway()
    {
        using var silent = await SocksConnection.OpenAsync(Client, Token);
        using var greeted = await SocksConnection.OpenAsync(Client, Token);
        await greeted.Socket.SendAsync(SocksConnection.Greeting, Token);
        Assert.Equal([5, 0], await greeted.ReadAsync(2, Token));
        await greeted.Socket.SendAsync(new byte[] { 5, 1, 0 }, Token);

        Assert.Equal([5, 255], await silent.ReadAsync(100, Token));
        Assert.Equal(1, await greeted.ReadReplyAsync(Token));
        Assert.Empty(await greeted.ReadAsync(1, Token));
    }

    [Fact]
    public async Task OtherAddressesOfThePod_AreNotServed()
    {
        var e = await Assert.ThrowsAsync<SocketException>(() => Client.ConnectAsync(Client.IPv4, 15080, Token));

        Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
    }

    private static async Task ServeOneAsync(Socket listener)
    {
        using var socket = await listener.AcceptAsync(Token);
        await AnswerAsync(socket, Token);
    }

    /// <summary>One answer to a request for anything.</summary>
    private static async Task AnswerAsync(Socket socket, CancellationToken cancellationToken)
    {
        var request = "";
        while (!request.EndsWith("\r\n\r\n", StringComparison.Ordinal)
            && await socket.ReceiveTextAsync(1, cancellationToken) is { Length: > 0 } more)
        {
            request += more;
        }

        await socket.SendTextAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
    }

    private async Task<string> CurlAsync(string option, string authority)
    {
        var spec = new ProcessSpec("curl", "-sS", "--max-time", "15", option, Proxy, $"http://{authority}/");
        return (await Client.Namespace.RunAsync(spec, Token)).Succeeded().Output;
    }
}
