using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Proxy;
using Ztunnel.Proxy.Failover;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Proxy.Failover;

/// <summary>Where a connection goes after a failure, which needs no network to be seen.</summary>
public sealed class ConnectAttemptsTests : IDisposable
{
    private static readonly Service Web = Service("web.ns1.svc.cluster.local", "80:8080", "10.0.1.1")
        .Balanced(LoadBalancerMode.Failover, LoadBalancerScope.Network);

    private static readonly Workload Source = Pod("source", "10.0.0.1").Hbone();
    private static readonly Workload Near = Pod("near", "10.0.0.2").Hbone().EndpointOf(Web, "");
    private static readonly Workload Gateway = Pod("gateway", "10.22.1.1") with { Network = "other" };

    private static readonly Workload Far = Pod("far").Hbone().EndpointOf(Web, "") with
    {
        Network = "other",
        NetworkGateway = GatewayAt("10.22.1.1", network: "other"),
    };

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _accepted;
    private readonly FailoverMetrics _metrics = new();
    private readonly OutboundRouter _router = new("", AnyRandom);

    public ConnectAttemptsTests()
    {
        // Somebody is there for whom to go on.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _socket.Connect(listener.LocalEndPoint!);
        _accepted = listener.Accept();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _accepted.Dispose();
    }

    [Fact]
    public void OnlyLocalEndpointFails_TheGatewayOfTheOtherNetworkIsTried()
    {
        var (client, attempts) = Begin(Empty.With(Web, Near, Far, Gateway));
        Assert.Equal("10.0.0.2:15008", $"{attempts.Route.Dial}");

        Assert.True(Fail(client, attempts));

        Assert.Equal((OutboundProtocol.DoubleHbone, "10.22.1.1:15008"), (attempts.Route.Protocol, $"{attempts.Route.Dial}"));
        Assert.False(attempts.HasAlternative);
        Assert.False(Fail(client, attempts));
        Assert.Equal(1, _metrics.Failed);
    }

    [Fact]
    public void NothingElseThere_TheFailureIsTheAnswer()
    {
        var (client, attempts) = Begin(Empty.With(Web, Near));

        Assert.False(attempts.HasAlternative);
        Assert.False(Fail(client, attempts));
        Assert.Equal(0, _metrics.Failed);
    }

    private (OutboundClient Client, ConnectAttempts Attempts) Begin(MeshSnapshot mesh)
    {
        var client = new OutboundClient(
            _socket, IPEndPoint.Parse("10.0.0.1:4000"), IPEndPoint.Parse("10.0.1.1:80"), Source, mesh, waiting: null);
        return (client, new ConnectAttempts(
            new ProxyOptions(), failures: null, _metrics, TimeProvider.System, client.RouteBy(_router, default)));
    }

    private bool Fail(OutboundClient client, ConnectAttempts attempts)
    {
        var refused = new SocketException((int)SocketError.ConnectionRefused);
        return attempts.TryAnother(
            refused, new ProxyException(ConnectionFailure.Connect, "io error: refused", refused), _router, client, NullLogger.Instance);
    }
}
