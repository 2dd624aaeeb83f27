using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>The services of the far network, and what the gateway does with each.</summary>
internal static class FarServices
{
    public const string ServerIdentity = "spiffe://cluster.local/ns/shop/sa/server";
    public const string PeerIdentity = "spiffe://cluster.local/ns/shop/sa/peer";
    public const string GatewayIdentity = "spiffe://cluster.local/ns/istio-system/sa/gateway";
    public const string GatewayHostname = "gateway.istio-system.svc.cluster.local";

    /// <summary>Two gateways, of which one lets everything vanish.</summary>
    public const string HalfSilentHostname = "half-silent.istio-system.svc.cluster.local";

    /// <summary>Address of the one that nothing comes back from.</summary>
    public const string SilentGateway = "10.9.9.8";

    /// <summary>Served by the server pod, through our proxy.</summary>
    public static FarService Echo { get; } = new(1, "echo", ServerIdentity);

    /// <summary>The same behind a gateway reference by address.</summary>
    public static FarService EchoByAddress { get; } = new(2, "echo-by-address", ServerIdentity)
    {
        Gateway = $"net-2/{AddressPlan.Pod4(2, 2)}",
    };

    /// <summary>Served by an HBONE server that is not ours.</summary>
    public static FarService Peer { get; } = new(3, "peer", PeerIdentity);

    /// <summary>Served by the server pod, which nobody vouches for.</summary>
    public static FarService Nameless { get; } = new(4, "nameless");

    /// <summary>Served by the server pod, which is not whom the owner vouches for.</summary>
    public static FarService Other { get; } = new(5, "other", "spiffe://cluster.local/ns/shop/sa/other");

    /// <summary>Behind a gateway that nobody knows.</summary>
    public static FarService Lost { get; } = new(6, "lost", ServerIdentity) { Gateway = "net-2/10.9.9.9" };

    public static FarService Unauthorized { get; } = new(7, "unauthorized", ServerIdentity);

    public static FarService Unknown { get; } = new(8, "unknown", ServerIdentity);

    public static FarService Unavailable { get; } = new(9, "unavailable", ServerIdentity);

    public static FarService Reset { get; } = new(10, "reset", ServerIdentity);

    public static FarService Closed { get; } = new(11, "closed", ServerIdentity);

    public static FarService Silent { get; } = new(12, "silent", ServerIdentity);

    public static FarService Garbage { get; } = new(13, "garbage", ServerIdentity);

    /// <summary>Served by the server pod, behind two gateways one of which is silent.</summary>
    public static FarService HalfSilent { get; } = new(14, "half-silent", ServerIdentity)
    {
        Gateway = $"istio-system/{HalfSilentHostname}",
    };

    public static IReadOnlyList<FarService> All { get; } =
    [
        Echo, EchoByAddress, Peer, Nameless, Other, Lost, Unauthorized, Unknown, Unavailable, Reset, Closed, Silent, Garbage,
        HalfSilent,
    ];

    /// <summary>The gateway's routes.</summary>
    public static Dictionary<string, object> RoutesTo(Pod server, Pod peer)
    {
        object[][] toServer = [[server.IPv4.ToString(), 15008]];
        object[][] toPeer = [[peer.IPv4.ToString(), 15008]];
        return new()
        {
            [Echo.Authority] = new { to = toServer },
            [EchoByAddress.Authority] = new { to = toServer },
            [HalfSilent.Authority] = new { to = toServer },
            [Peer.Authority] = new { to = toPeer },
            [Nameless.Authority] = new { to = toServer },
            [Other.Authority] = new { to = toServer },
            [Unauthorized.Authority] = new { status = 401 },
            [Unavailable.Authority] = new { status = 503 },
            [Reset.Authority] = new { then = "reset" },
            [Closed.Authority] = new { then = "close" },
            [Silent.Authority] = new { then = "silence" },
            [Garbage.Authority] = new { then = "garbage" },
        };
    }
}
