namespace Ztunnel.Demo;

/// <summary>What is refused, and that the logs say why; and where the mesh ends.</summary>
internal static class PolicyChecks
{
    private const int ClosedPort = 4;

    // curl's exit codes for a connection that breaks off before anything came. The proxy accepts before it knows and
    // closes as soon as it does: the client sees a reset if its request was there by then, and an end if not (data-path
    // 2.1).
    private const int EmptyReply = 52;
    private const int ConnectionReset = 56;

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("captured to uncaptured is plain TCP", ReachUncapturedAsync),
        new("uncaptured to captured, allowed by policy", ReachFromOutsideAsync),
        new("uncaptured to captured, denied by policy", RefuseFromOutsideAsync),
        new("denied port: no answer, 401, policy named", RefuseByPolicyAsync),
        new("closed port: no answer, 503", RefuseClosedPortAsync),
    ];

    private static async Task<string> ReachUncapturedAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ClientProxy.Log.Count;
        var url = WebChecks.Url(cluster.Plain.IPv4, DemoMesh.WebPort, "whoami");
        var seen = (await WebChecks.CurlAsync(cluster.Client, url, cancellationToken)).Succeeded().Output;

        var line = await cluster.ClientProxy.WaitForLogAsync(
            since, cancellationToken, "connection complete", $"dst.addr={cluster.Plain.IPv4}:");
        ExpectWithoutIdentity(line);
        return seen == cluster.Client.IPv4.ToString() ? "no identities logged" : throw SeenAs(seen, cluster.Client);
    }

    private static async Task<string> ReachFromOutsideAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ServerProxy.Log.Count;
        var url = WebChecks.Url(cluster.Server.IPv4, DemoMesh.WebPort, "whoami");
        var seen = (await WebChecks.CurlAsync(cluster.Plain, url, cancellationToken)).Succeeded().Output;

        var line = await cluster.ServerProxy.WaitForLogAsync(
            since, cancellationToken, "connection complete", $"src.addr={cluster.Plain.IPv4}:");
        ExpectWithoutIdentity(line);
        return seen == cluster.Plain.IPv4.ToString()
            ? "through the server's proxy, source kept"
            : throw SeenAs(seen, cluster.Plain);
    }

    private static async Task<string> RefuseFromOutsideAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ServerProxy.Log.Count;
        var seen = await ExpectNoAnswerAsync(cluster.Plain, cluster.Server, DemoMesh.RedisPort, cancellationToken);

        await cluster.ServerProxy.WaitForLogAsync(
            since,
            cancellationToken,
            $"src.addr={cluster.Plain.IPv4}:",
            $"explicitly denied by: {DemoMesh.MeshOnlyRedis}");
        return $"{DemoMesh.MeshOnlyRedis}; client saw {seen}";
    }

    private static async Task<string> RefuseByPolicyAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var (atSource, atDestination) = (cluster.ClientProxy.Log.Count, cluster.ServerProxy.Log.Count);
        var seen = await ExpectNoAnswerAsync(cluster.Client, cluster.Server, DemoMesh.DeniedPort, cancellationToken);

        await cluster.ClientProxy.WaitForLogAsync(
            atSource, cancellationToken, "direction=\"outbound\"", "error=\"http status: 401 Unauthorized\"");
        await cluster.ServerProxy.WaitForLogAsync(
            atDestination, cancellationToken, "direction=\"inbound\"", $"explicitly denied by: {DemoMesh.NoAdmin}");
        return $"{DemoMesh.NoAdmin}; client saw {seen}";
    }

    private static async Task<string> RefuseClosedPortAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ClientProxy.Log.Count;
        var seen = await ExpectNoAnswerAsync(cluster.Client, cluster.Server, ClosedPort, cancellationToken);

        await cluster.ClientProxy.WaitForLogAsync(
            since, cancellationToken, "direction=\"outbound\"", "error=\"http status: 503 Service Unavailable\"");
        return $"503 Service Unavailable; client saw {seen}";
    }

    /// <summary>How the connection broke off.</summary>
    private static async Task<string> ExpectNoAnswerAsync(
        Pod from, Pod to, int port, CancellationToken cancellationToken)
    {
        var result = await WebChecks.CurlAsync(from, WebChecks.Url(to.IPv4, port, ""), cancellationToken);
        return result.ExitCode switch
        {
            EmptyReply => "its end",
            ConnectionReset => "a reset",
            var other => throw new CheckFailedException(
                FormattableString.Invariant($"curl ended with {other}: {result.Error}{result.Output}")),
        };
    }

    private static void ExpectWithoutIdentity(string line)
    {
        if (line.Contains(".identity=", StringComparison.Ordinal))
        {
            throw new CheckFailedException($"plaintext has no identity, but the log says: {line}");
        }
    }

    private static CheckFailedException SeenAs(string seen, Pod pod) =>
        new($"nginx sees {seen}, {pod.Name} is {pod.IPv4}");
}
