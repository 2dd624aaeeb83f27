using System.Net;
using Hbone.Tls;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

/// <summary>
/// The workloads and services of fixture <c>mesh/twopods.yaml</c>, as far as log and metrics show them.
/// </summary>
internal static class RecordedMesh
{
    public static Workload A { get; } = new()
    {
        Uid = "cluster1//v1/Pod/default/a",
        Name = "a",
        Namespace = "default",
        ServiceAccount = "a",
        TrustDomain = "cluster.local",
        WorkloadName = "a-deploy",
        CanonicalName = "client",
        CanonicalRevision = "v1",
        ClusterId = "cluster1",
        Locality = new Locality("eu", "eu-1", "rack-1"),
    };

    public static Workload B { get; } = new()
    {
        Uid = "cluster1//v1/Pod/shop/b",
        Name = "b",
        Namespace = "shop",
        ServiceAccount = "b",
        TrustDomain = "cluster.local",
        WorkloadName = "b-deploy",
        CanonicalName = "server",
        CanonicalRevision = "v2",
        ClusterId = "cluster1",
        Locality = new Locality("eu", "eu-2", ""),
    };

    public static Workload Plain { get; } = new()
    {
        Uid = "cluster1//v1/Pod/shop/plain",
        Name = "plain",
        Namespace = "shop",
        ServiceAccount = "default",
        TrustDomain = "cluster.local",
    };

    public static Workload Waypoint { get; } = new()
    {
        Uid = "cluster1//v1/Pod/shop/wp",
        Name = "wp",
        Namespace = "shop",
        ServiceAccount = "waypoint",
        TrustDomain = "cluster.local",
    };

    public static Service ServiceB { get; } =
        new() { Name = "b", Namespace = "shop", Hostname = "b.shop.svc.cluster.local" };

    public static Service ViaWaypoint { get; } =
        new() { Name = "viawp", Namespace = "shop", Hostname = "viawp.shop.svc.cluster.local" };

    /// <summary>A connection from <see cref="A"/> as its own proxy sees it.</summary>
    public static ConnectionFacts Outbound(Workload? to, Service? service = null, string? hbone = null) => new()
    {
        Reporter = Reporter.Source,
        SourceAddress = IPEndPoint.Parse("10.77.0.1:40000"),
        Source = A,
        SourceIdentity = hbone is null ? null : A.Identity,
        DestinationAddress = IPEndPoint.Parse("10.77.0.2:15008"),
        HboneTarget = hbone,
        Destination = to,
        DestinationService = service,
        MutualTls = hbone is not null,
    };

    /// <summary>A connection from <see cref="A"/> to <see cref="B"/> as the proxy of B sees it.</summary>
    public static ConnectionFacts Inbound(string? hbone = null, SpiffeId? identity = null) => new()
    {
        Reporter = Reporter.Destination,
        SourceAddress = IPEndPoint.Parse("10.77.0.1:40000"),
        Source = A,
        SourceIdentity = hbone is null ? null : identity ?? A.Identity,
        DestinationAddress = IPEndPoint.Parse("10.77.0.2:7007"),
        HboneTarget = hbone,
        Destination = B,
        MutualTls = hbone is not null,
    };
}
