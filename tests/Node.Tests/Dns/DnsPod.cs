using Microsoft.Extensions.Logging.Abstractions;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Demo;
using Ztunnel.Dns;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Node.Tests.Dns;

/// <summary>
/// A pod and its cluster's name server, two namespaces joined by a cable. The server is dnsmasq, which knows
/// <c>known.example.com</c> only.
/// </summary>
internal sealed class DnsPod : IAsyncDisposable
{
    public const string ServerIpv4 = "10.78.0.1";
    public const string ServerIpv6 = "fd78::1";

    private readonly NetworkNamespace _pod;
    private readonly NetworkNamespace _cluster;

    private DnsPod(NetworkNamespace pod, NetworkNamespace cluster)
    {
        _pod = pod;
        _cluster = cluster;
        Netns = Netns.Open(pod.Path);
    }

    public Netns Netns { get; }

    public Drain Drain { get; } = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static async Task<DnsPod> CreateAsync(params string[] settings)
    {
        var prefix = RunPrefix.Next();
        var pod = await NetworkNamespace.CreateAsync(
            prefix.Name("dnspod"), ["net.ipv6.conf.default.accept_dad=0", .. settings], Token);
        var cluster = await NetworkNamespace.CreateAsync(
            prefix.Name("dnsup"), ["net.ipv6.conf.default.accept_dad=0"], Token);
        var made = new DnsPod(pod, cluster);
        try
        {
            await pod.IpAsync(
                [
                    $"link add eth0 type veth peer name eth0 netns {cluster.Name}",
                    "addr add 10.78.0.2/24 dev eth0",
                    "addr add fd78::2/64 dev eth0 nodad",
                    "link set eth0 up",
                    "route add default via 10.78.0.1",
                ],
                Token);
            await cluster.IpAsync(
                [
                    $"addr add {ServerIpv4}/24 dev eth0", $"addr add {ServerIpv6}/64 dev eth0 nodad", "link set eth0 up",
                ],
                Token);
            await made.StartServerAsync();
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>A proxy of the pod <c>ns1/client</c> in the mesh of <see cref="DnsMesh"/>, bound and started.</summary>
    public DnsProxy StartProxy(string server, Drain? drain = null, ProxyOptions? options = null)
    {
        var proxy = DnsProxy.Bind(ServicesFor(server, options), DnsMesh.Client.Info, Netns, drain ?? Drain);
        proxy.Start();
        return proxy;
    }

    /// <summary>Runs a program in the pod.</summary>
    public async Task<string> RunAsync(params string[] arguments)
    {
        var result = await _pod.RunAsync(new ProcessSpec(arguments), Token, TimeSpan.FromSeconds(20));
        return result.Output;
    }

    /// <summary>What getaddrinfo(3) says in the pod, with the configuration that Kubernetes gives it; or its error.</summary>
    public async Task<string> LookUpAsync(string name, bool ipv6)
    {
        var script = $"""
            import socket
            try:
                print(socket.getaddrinfo("{name}", 80, socket.{(ipv6 ? "AF_INET6" : "AF_INET")}, socket.SOCK_STREAM)[0][4][0])
            except socket.gaierror as e:
                print(e.errno)
            """;
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file,
                $"nameserver {ServerIpv4}\nsearch ns1.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n",
                Token);
            return await RunAsync(
                "unshare", "--mount", "sh", "-c",
                "mount --bind \"$0\" /etc/resolv.conf && exec /usr/bin/python3 -c \"$1\"", file, script);
        }
        finally
        {
            File.Delete(file);
        }
    }

    public Task<string> DigAsync(string server, params string[] arguments) =>
        RunAsync(["dig", "-p", "15053", $"@{server}", "+tries=1", "+timeout=15", "+nocookie", "+short", .. arguments]);

    /// <summary>The same with code, flags and owners.</summary>
    public async Task<DigReply> AskAsync(string server, params string[] arguments) => DigReply.Parse(await RunAsync(
        [
            "dig", "-p", "15053", $"@{server}", "+tries=1", "+timeout=15", "+nocookie", "+ignore", "+noall", "+comments", "+answer",
            .. arguments,
        ]));

    public async ValueTask DisposeAsync()
    {
        Netns.Dispose();
        Drain.Dispose();
        await _pod.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    private static DnsServices ServicesFor(string server, ProxyOptions? options) => new(
        options ?? new ProxyOptions(),
        new MeshState(Empty.With(DnsMesh.Resources), TimeProvider.System),
        new DnsMetrics(new MetricsRegistry()),
        NullLoggerFactory.Instance,
        TimeProvider.System)
    {
        ReadResolverFile = () => ResolverFile.Parse($"nameserver {server}"),
    };

    private async Task StartServerAsync()
    {
        var server = await _cluster.StartAsync(new ProcessSpec(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
            $"--listen-address={ServerIpv4}", $"--listen-address={ServerIpv6}", "--pid-file=", "--user=root",
            "--log-facility=-", "--local=/example.com/", "--host-record=known.example.com,192.0.2.1"));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        var isReady = await server.Error.FirstAsync(
            line => line.Contains("started", StringComparison.Ordinal), since: 0, limit.Token) is not null;
        Assert.True(isReady, $"dnsmasq has ended: {server.Error}");
    }
}
