using ControlPlane;
using Hbone.Tls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Identity;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Identity;
using Ztunnel.Xds;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>The demo's control plane with the proxy's own clients: a mesh file, pushes, tokens and certificates.</summary>
public sealed class MeshServerTests : IAsyncLifetime
{
    private const string Mesh =
        """
        workloads:
        - uid: cluster1//Pod/ns/web-1
          name: web-1
          namespace: ns
          serviceAccount: web
          trustDomain: cluster.local
          workloadIps: ["10.0.0.1"]
          protocol: HBONE
          node: node1
          services:
            "ns/web.ns.svc.cluster.local":
              80: 8080
        - uid: cluster1//Pod/ns/own
          name: own
          namespace: ns
          serviceAccount: own
          trustDomain: cluster.local
          workloadIps: ["10.0.0.2"]
          protocol: HBONE
          node: node2
          services: {}
        services:
        - name: web
          namespace: ns
          hostname: web.ns.svc.cluster.local
          vips: ["/10.1.0.1"]
          ports:
            80: 8080

        """;

    private const string Policy =
        """
        policies:
        - name: closed
          namespace: ns
          scope: Namespace
          action: Deny
          dryRun: false
          rules:
          - - - destinationPorts: [8080]

        """;

    private readonly TemporaryDirectory _folder = new();
    private readonly MetricsRegistry _registry = new();
    private readonly LoggerFactory _loggers = new();
    private readonly StringWriter _log = new();
    private MeshFile _file = null!;
    private ControlPlaneServer _server = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ProxyOptions Options => new()
    {
        XdsAddress = _server.Address,
        Xds = Trusted,
        CaAddress = _server.Address,
        Ca = Trusted,
        AuthToken = new AuthTokenSource(null, "own-token"),
        PacketMark = null,
        PodNamespace = "ns",
        PodName = "own",
        NodeName = "node2",
    };

    private ControlPlaneOptions Trusted =>
        ControlPlaneOptions.Default with { RootCertificates = RootCertificateSource.Parse(_folder.File("root.pem")) };

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_folder.Path);
        await File.WriteAllTextAsync(_folder.File("mesh.yaml"), Mesh, Token);
        await File.WriteAllTextAsync(
            _folder.File("tokens"),
            """
            own-token,system:serviceaccount:ns:own
            other-token,system:serviceaccount:other:own
            node-token,system:serviceaccount:istio-system:ztunnel
            """,
            Token);
        var log = TextWriter.Synchronized(_log);
        _file = MeshFile.Open(_folder.File("mesh.yaml"), log);
        _server = await ControlPlaneServer.StartAsync(
            ServerOptions.Parse(
            [
                "--mesh", _folder.File("mesh.yaml"),
                "--listen", "127.0.0.1:0",
                "--root", _folder.File("root.pem"),
                "--tokens", _folder.File("tokens"),
            ]),
            _file.Mesh,
            log,
            Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _log.DisposeAsync();
        _loggers.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task File_Changed_IsPushed()
    {
        var (mesh, client) = Connect(Options);
        await using var _ = client;
        await client.FirstSync.WaitAsync(Token);
        Assert.Equal(2, mesh.Current.Workloads.Count());
        Assert.Single(mesh.Current.FindService(new("ns", "web.ns.svc.cluster.local"))!.Endpoints);

        await ChangeAsync(Mesh + Policy);
        await Waiting.UntilAsync(() => mesh.Current.FindPolicy("ns/closed") is not null, Token);
        await ChangeAsync(Mesh);
        await Waiting.UntilAsync(() => mesh.Current.FindPolicy("ns/closed") is null, Token);
        await ChangeAsync(Mesh.Replace("10.0.0.1", "10.0.0.9", StringComparison.Ordinal));
        await Waiting.UntilAsync(() => mesh.Current.FindWorkload(Ztunnel.Tests.Mesh.TestMesh.At("10.0.0.9")) is not null, Token);

        Assert.Equal(2, mesh.Current.Workloads.Count());
    }

    [Fact]
    public async Task File_Broken_ChangesNothing()
    {
        var before = _file.Mesh.Current;

        await ChangeAsync("workloads: [");
        File.Delete(_folder.File("mesh.yaml"));
        _file.Look();

        Assert.Same(before, _file.Mesh.Current);
        Assert.Equal(2, _log.ToString().Split('\n').Count(line => line.StartsWith("mesh 1 stays: ", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("own-token-")]
    [InlineData("other-token")]
    public async Task Stream_WithoutATokenOfItsNamespace_IsRefused(string token)
    {
        var (_, client) = Connect(Options with { AuthToken = new AuthTokenSource(null, token) });
        await using var _ = client;

        await Waiting.UntilAsync(() => Scrape().Contains("reason=\"ConnectionError\"} 1", StringComparison.Ordinal), Token);

        Assert.False(client.FirstSync.IsCompleted);
    }

    /// <summary>Control-plane 2.6 and 12: what an on-demand client of node2 is told, and when.</summary>
    [Fact]
    public async Task OnDemand_NodeFirst_ThenWhatIsAskedFor()
    {
        var (mesh, client) = Connect(Options with { XdsOnDemand = true });
        await using var _ = client;
        await client.FirstSync.WaitAsync(Token);
        var demands = client.Demands!;
        await Waiting.UntilAsync(() => mesh.Current.Workloads.Any(), Token);
        Assert.Equal(["own"], mesh.Current.Workloads.Select(workload => workload.Name));

        await demands.FetchAsync("/10.0.0.77", Token);
        await demands.FetchAsync("/10.1.0.1", Token);

        Assert.Equal(["own", "web-1"], mesh.Current.Workloads.Select(workload => workload.Name).Order());
        Assert.Single(mesh.Current.Services);
    }

    [Fact]
    public async Task Certificate_IsThatOfTheCaller()
    {
        var dedicated = Options with { Mode = ProxyMode.Dedicated };
        using var authority = AuthorityFor(dedicated);

        var certificate = await authority.IssueAsync(new SpiffeId("cluster.local", "ns", "web"), Token);

        Assert.Equal(new SpiffeId("cluster.local", "ns", "own"), certificate.Identity);
    }

    [Theory]
    [InlineData("node-token", "web", true)]
    [InlineData("node-token", "stranger", false)]
    [InlineData("own-token", "web", false)]
    [InlineData("nobody", "web", false)]
    public async Task Certificate_OfSomebodyElse_IsForTheNodeProxyAndTheMeshOnly(string token, string account, bool isIssued)
    {
        using var authority = AuthorityFor(Options with { AuthToken = new AuthTokenSource(null, token) });
        var identity = new SpiffeId("cluster.local", "ns", account);

        if (isIssued)
        {
            Assert.Equal(identity, (await authority.IssueAsync(identity, Token)).Identity);
            return;
        }

        var error = await Assert.ThrowsAsync<IdentityException>(() => authority.IssueAsync(identity, Token));
        Assert.StartsWith("signing gRPC error (Unauthenticated)", error.Message, StringComparison.Ordinal);
    }

    private (MeshState Mesh, XdsClient Client) Connect(ProxyOptions options)
    {
        var mesh = new MeshState(MeshSnapshot.Empty(options.NodeName), TimeProvider.System);
        var client = new XdsClient(options, mesh, new XdsMetrics(_registry), TimeProvider.System, _loggers);
        client.Start();
        return (mesh, client);
    }

    private static IstioCertificateAuthority AuthorityFor(ProxyOptions options) =>
        new(options.CaAddress!, options, NullLogger<IstioCertificateAuthority>.Instance);

    private async Task ChangeAsync(string content)
    {
        await File.WriteAllTextAsync(_folder.File("mesh.yaml"), content, Token);
        _file.Look();
    }

    private string Scrape()
    {
        using var output = new MemoryStream();
        _registry.WriteAsync(output, Token).GetAwaiter().GetResult();
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }
}
