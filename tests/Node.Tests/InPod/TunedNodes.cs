namespace Node.Tests.InPod;

/// <summary>The same nodes, with timeouts of sockets that are nobody's default.</summary>
public sealed class TunedNodes : TwoNodes
{
    public TunedNodes() => Variables =
    [
        ("KEEPALIVE_TIME", "61s"), ("KEEPALIVE_INTERVAL", "31s"), ("KEEPALIVE_RETRIES", "3"), ("USER_TIMEOUT_ENABLED", "true"),
    ];
}
