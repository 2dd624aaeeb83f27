using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>
/// <c>COMPLIANCE_POLICY=pqc</c> with an OpenSSL that has X25519MLKEM768, and with one that has not; data-path 5, control-plane 2.1.
/// </summary>
public sealed class PostQuantumTests : IAsyncLifetime
{
    private const string Group = "X25519MLKEM768";
    private const string OlderGroup = "X25519";
    private const string Server = "localhost:24443";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ztpqc-");

    private string _proxy = "";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _proxy = await NewOpenSsl.WrapAsync(ProxyBinary.Path, _folder.FullName, Token);

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Tunnel_OfProxiesThatDemandIt_CarriesTrafficAndRefusesOtherGroups()
    {
        await using var topology = await StartNodesAsync("pqc");

        Assert.Equal("hello worldhello world", await EchoAsync(topology));
        Assert.Contains($"group: {Group}", await HandshakeAsync(topology, Group), StringComparison.Ordinal);
        var refused = await HandshakeAsync(topology, OlderGroup);
        Assert.Contains("handshake failure", refused, StringComparison.Ordinal);
        Assert.Contains("group: <NULL>", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tunnel_OfProxiesThatDoNotDemandIt_TakesEitherGroup()
    {
        await using var topology = await StartNodesAsync(policy: null);

        Assert.Equal("hello worldhello world", await EchoAsync(topology));
        Assert.Contains($"group: {Group}", await HandshakeAsync(topology, Group), StringComparison.Ordinal);
        Assert.Contains("TLSv1.3", await HandshakeAsync(topology, OlderGroup), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pqc", Group, "Shared groups: X25519MLKEM768")]
    [InlineData("pqc", OlderGroup, "no suitable key share")]
    [InlineData(null, OlderGroup, "Shared groups: x25519")]
    public async Task ControlPlane_IsSpokenToWithTheGroupsThatAreAllowed(string? policy, string ofServer, string wanted)
    {
        await using var topology = await Topology.CreateAsync(new TopologyOptions(), Token);
        var node = await topology.AddNodeAsync("node", Token);
        var pod = await topology.AddPodAsync(node, "ztunnel", Token);
        var (certificate, key) = await CertifyAsync();
        await using var server = await pod.Namespace.StartAsync(await NewOpenSsl.ProgramAsync(
            Token, "s_server", "-accept", Server, "-cert", certificate, "-key", key, "-groups", ofServer, "-alpn", "h2") with
        {
            KeepInputOpen = true,
        });
        Assert.NotNull(await server.Output.FirstWithinAsync(line => line == "ACCEPT", 0, Limit, Token));
        var environment = ProxyProcess.Place(pod);
        environment["XDS_ADDRESS"] = $"https://{Server}";
        environment["XDS_ROOT_CA"] = certificate;
        environment["FAKE_CA"] = "true";
        environment["LOCAL_CA_DIR"] = Path.Combine(_folder.FullName, "ca");
        environment["COMPLIANCE_POLICY"] = policy;

        await using var proxy = await ProxyProcess.StartAsync(pod, _proxy, environment);

        var lines = wanted.StartsWith("Shared", StringComparison.Ordinal) ? server.Output : server.Error;
        var found = await lines.FirstWithinAsync(
            line => line.Contains(wanted, StringComparison.OrdinalIgnoreCase), 0, Limit, Token);
        Assert.True(found is not null, $"'{wanted}' not among {server.Output} {server.Error}; proxy: {proxy.Log}");
    }

    [Fact]
    public async Task Start_WithTheOpenSslOfTheMachine_IsRefusedUnlessThatHasTheGroup()
    {
        // Asked before the local mesh is read, which nobody could: that is where a start ends that is not refused.
        var environment = new Dictionary<string, string?>
        {
            ["COMPLIANCE_POLICY"] = "pqc",
            ["XDS_ADDRESS"] = "",
            ["FAKE_CA"] = "true",
            ["LOCAL_XDS_PATH"] = "/nonexistent/mesh.yaml",
        };

        var result = await ChildProcess.RunAsync(
            new ProcessSpec(ProxyBinary.Path, "proxy", "ztunnel") { Environment = environment, InheritEnvironment = false },
            Limit,
            Token);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(
            await NewOpenSsl.IsOwnAsync(Token)
                ? "/nonexistent/mesh.yaml"
                : $"COMPLIANCE_POLICY: pqc cannot be kept: key exchange {Group} needs OpenSSL 3.5",
            result.Error,
            StringComparison.Ordinal);
    }

    private async Task<NodeTopology> StartNodesAsync(string? policy)
    {
        var topology = new NodeTopology
        {
            Binary = _proxy,
            ProxyEnvironment = { ["COMPLIANCE_POLICY"] = policy },
        };
        await topology.InitializeAsync();
        return topology;
    }

    private static async Task<string> EchoAsync(NodeTopology topology)
    {
        await using var server = PodServer.Start(topology.Server, TestMesh.EchoPort, PodServer.EchoTwiceAsync);
        using var socket = await topology.Client.ConnectAsync(topology.Server.IPv4, TestMesh.EchoPort, Token);
        await socket.SendTextAsync("hello world", Token);
        socket.Shutdown(SocketShutdown.Send);
        return await socket.ReceiveToEndAsync(Token);
    }

    // What an independent client has to say of its handshake with the server's HBONE port.
    private static async Task<string> HandshakeAsync(NodeTopology topology, string group)
    {
        var client = await NewOpenSsl.ProgramAsync(
            Token, "s_client", "-connect", $"{topology.Server.IPv4}:15008", "-groups", group, "-alpn", "h2");
        var result = await topology.Plain.Namespace.RunAsync(client, Token);
        return $"{result.Output}{result.Error}";
    }

    private async Task<(string Certificate, string Key)> CertifyAsync()
    {
        var (certificate, key) = (Path.Combine(_folder.FullName, "c.pem"), Path.Combine(_folder.FullName, "k.pem"));
        var request = new ProcessSpec(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=server", "-addext", "subjectAltName=DNS:localhost", "-out", certificate, "-keyout", key);
        (await ChildProcess.RunAsync(request, Limit, Token)).Succeeded();
        return (certificate, key);
    }
}
