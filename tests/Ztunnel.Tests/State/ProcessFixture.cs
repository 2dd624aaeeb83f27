using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hbone.Tls;
using Redirection;
using Ztunnel.Demo;
using Ztunnel.Tests.ControlPlane;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.State;

/// <summary>
/// The built <c>ztunnel</c> in a network namespace, configured as a pod has it: addresses, roots and token in files. The
/// control plane is in this process and can be taken away.
/// </summary>
internal sealed class ProcessFixture : IAsyncDisposable
{
    private const int XdsPort = 15012;
    private const int CaPort = 15013;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _files = new();
    private readonly ServerCertificates _certificates = new();
    private readonly NetworkNamespace _namespace;
    private readonly Netns _netns;
    private readonly NamespaceRelay _xds;
    private readonly NamespaceRelay _ca;
    private readonly HttpClient _http;
    private DiscoveryServer? _discovery;

    private ProcessFixture(NetworkNamespace made, CertificateAuthorityServer authority)
    {
        _namespace = made;
        Authority = authority;
        Authority.ExpectedToken = CertificateAuthorityServer.Token;
        Authority.Answer = (request, _) => Task.FromResult(
            Authority.Sign(request, new SpiffeId("cluster.local", "ns", "web")));
        _netns = Netns.Open(made.Path);
        _xds = new NamespaceRelay(_netns, XdsPort);
        _ca = new NamespaceRelay(_netns, CaPort) { Target = authority.Address.Port };
        _http = new HttpClient(new SocketsHttpHandler
        {
            PooledConnectionLifetime = TimeSpan.Zero,
            ConnectCallback = async (context, token) =>
                new NetworkStream(await ConnectAsync(context.DnsEndPoint.Port, token), ownsSocket: true),
        });
        Directory.CreateDirectory(_files.Path);
        File.WriteAllText(_files.File("xds-root.pem"), _certificates.RootPem);
        File.WriteAllText(_files.File("ca-root.pem"), authority.Authority.RootPem);
        File.WriteAllText(_files.File("token"), CertificateAuthorityServer.Token);
    }

    public CertificateAuthorityServer Authority { get; }

    public DiscoveryServer Discovery => _discovery ?? throw new InvalidOperationException("the control plane is away");

    public ChildProcess Proxy { get; private set; } = null!;

    public string StateDirectory => _files.File("state");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<ProcessFixture> StartAsync()
    {
        Assert.True(
            Environment.IsPrivilegedProcess, "this test needs root, for a network namespace: run it with sudo");
        var made = await NetworkNamespace.CreateAsync(RunPrefix.Next().Name("state"), ["net.ipv4.ip_forward=0"], Token);
        var fixture = new ProcessFixture(made, await CertificateAuthorityServer.StartAsync());
        await fixture.StartControlPlaneAsync();
        return fixture;
    }

    /// <summary>Starts the proxy.</summary>
    /// <param name="prefix">Programs and arguments before it.</param>
    public async Task StartProxyAsync(params string[] prefix) => Proxy = await _namespace.StartAsync(
        new ProcessSpec([.. prefix, Path.Combine(AppContext.BaseDirectory, "ztunnel"), "proxy", "ztunnel"])
        {
            InheritEnvironment = false,
            Environment = new Dictionary<string, string?>
            {
                ["PROXY_MODE"] = "dedicated",
                ["PROXY_WORKLOAD_INFO"] = "ns/web/web",
                ["NODE_NAME"] = "node-a",
                ["XDS_ADDRESS"] = $"localhost:{XdsPort}",
                ["XDS_ROOT_CA"] = _files.File("xds-root.pem"),
                ["CA_ADDRESS"] = $"https://127.0.0.1:{CaPort}",
                ["CA_ROOT_CA"] = _files.File("ca-root.pem"),
                ["AUTH_TOKEN"] = _files.File("token"),
                ["ISTIO_META_DNS_CAPTURE"] = "false",
                ["IPV6_ENABLED"] = "false",
                ["STATE_DIR"] = StateDirectory,
                ["STATE_SYNC_WAIT"] = "1s",
            },
        });

    public async Task StartControlPlaneAsync()
    {
        _discovery = await DiscoveryServer.StartAsync(_certificates.Issue("localhost"));
        _discovery.Script.RequiredAuthorization = $"Bearer {CertificateAuthorityServer.Token}";
        (_xds.Target, _ca.Target) = (_discovery.Address.Port, Authority.Address.Port);
    }

    /// <summary>XDS and CA are gone.</summary>
    public async Task StopControlPlaneAsync()
    {
        (_xds.Target, _ca.Target) = (null, null);
        await Discovery.DisposeAsync();
        _discovery = null;
    }

    /// <summary>A connection to a port of the proxy.</summary>
    public async Task<Socket> ConnectAsync(int port, CancellationToken cancellationToken)
    {
        var socket = _netns.CreateTcpSocket(AddressFamily.InterNetwork);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Answer of <c>/healthz/ready</c>; null while nobody listens.</summary>
    public async Task<(HttpStatusCode Status, string Text)?> ReadinessAsync()
    {
        try
        {
            using var response = await _http.GetAsync(new Uri("http://proxy:15021/healthz/ready"), Token);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(Token));
        }
        catch (HttpRequestException) when (!Proxy.HasExited)
        {
            return null;
        }
    }

    public async Task WaitUntilReadyAsync() =>
        await UntilAsync(async () => await ReadinessAsync() is { Status: HttpStatusCode.OK }, "ready");

    public async Task<JsonNode> DumpAsync() =>
        JsonNode.Parse(await _http.GetStringAsync(new Uri("http://proxy:15000/config_dump"), Token))!;

    public Task<string> ScrapeAsync() => _http.GetStringAsync(new Uri("http://proxy:15020/metrics"), Token);

    /// <summary>Asks again until it is so; the proxy says nothing by itself.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(
                !Proxy.HasExited && TimeProvider.System.GetElapsedTime(started) < Limit,
                $"not {what}: {Proxy.Error} {Proxy.Output}");
            await Task.Delay(20, Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _namespace.DisposeAsync();
        _http.Dispose();
        await _xds.DisposeAsync();
        await _ca.DisposeAsync();
        if (_discovery is { } discovery)
        {
            await discovery.DisposeAsync();
        }

        await Authority.DisposeAsync();
        _netns.Dispose();
        _certificates.Dispose();
        _files.Dispose();
    }
}
