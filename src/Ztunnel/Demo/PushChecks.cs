using System.Globalization;

namespace Ztunnel.Demo;

/// <summary>What a control plane does to proxies that run; in the demo only when they have one.</summary>
internal static class PushChecks
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // Says when the connection has ended, and how.
    private const string PingUntilTheEnd =
        """
        $| = 1;
        my $redis = IO::Socket::INET->new(PeerAddr => shift, PeerPort => shift) or die $!;
        $redis->syswrite("PING\r\n");
        while (1) {
            my $count = $redis->sysread(my $answer, 1024);
            if (!defined $count) { print "broken: $!\n"; last }
            if ($count == 0) { print "ended\n"; last }
            print $answer;
        }
        """;

    /// <summary>In the order in which they are shown.</summary>
    public static IEnumerable<DemoCheck> All { get; } =
    [
        new("certificates are signed by the control plane", FindCertificatesAsync),
        new("policy pushed: open connection is closed", CloseOpenConnectionAsync),
        new("the same policy: new connection is refused", RefuseNewConnectionAsync),
        new("policy removed: new connections are let in", LetInAgainAsync),
    ];

    private static ControlPlaneProcess ControlPlaneOf(DemoCluster cluster) =>
        cluster.ControlPlane ?? throw new CheckFailedException("there is no control plane");

    private static Task<string> FindCertificatesAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var lines = ControlPlaneOf(cluster).Log.Since(0);
        foreach (var identity in new[] { DemoMesh.ClientIdentity, DemoMesh.ServerIdentity })
        {
            if (!lines.Contains($"certificate for {identity}"))
            {
                throw new CheckFailedException($"the control plane has signed nothing for {identity}");
            }
        }

        return Task.FromResult("for both identities");
    }

    private static async Task<string> CloseOpenConnectionAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ServerProxy.Log.Count;
        await using var client = await cluster.Client.Namespace.StartAsync(new ProcessSpec(
            "perl", "-MIO::Socket::INET", "-e", PingUntilTheEnd,
            cluster.Server.IPv4.ToString(), DemoMesh.RedisPort.ToString(CultureInfo.InvariantCulture)));
        await ExpectLineAsync(client, line => line.StartsWith("+PONG", StringComparison.Ordinal), "an answer of redis");

        await ControlPlaneOf(cluster).ApplyAsync(
            cluster.Mesh(DemoMesh.NoRedisPolicy), cancellationToken, cluster.ClientProxy.Pod, cluster.ServerProxy.Pod);

        var end = await ExpectLineAsync(
            client,
            line => line.StartsWith("broken", StringComparison.Ordinal) || line == "ended",
            "the end of the connection");
        await cluster.ServerProxy.WaitForLogAsync(
            since, cancellationToken, $"({DemoMesh.ClientIdentity})->", "no longer allowed after a policy update");
        await cluster.ServerProxy.WaitForLogAsync(
            since, cancellationToken, "direction=\"inbound\"", "connection closed due to policy change");
        return $"log says why; client saw: {end}";

        async Task<string> ExpectLineAsync(ChildProcess process, Func<string, bool> matches, string what) =>
            await process.Output.FirstWithinAsync(matches, since: 0, Limit, cancellationToken)
            ?? throw new CheckFailedException($"the client did not see {what}: {process.Output} {process.Error}");
    }

    private static async Task<string> RefuseNewConnectionAsync(
        DemoCluster cluster, CancellationToken cancellationToken)
    {
        var since = cluster.ServerProxy.Log.Count;
        var answer = await PingAsync(cluster, cancellationToken);
        if (answer.Output.Contains("PONG", StringComparison.Ordinal))
        {
            throw new CheckFailedException("redis answered");
        }

        await cluster.ServerProxy.WaitForLogAsync(
            since, cancellationToken, "direction=\"inbound\"", $"explicitly denied by: {DemoMesh.NoRedis}");
        return $"{DemoMesh.NoRedis}";
    }

    private static async Task<string> LetInAgainAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        await ControlPlaneOf(cluster).ApplyAsync(
            cluster.Mesh(), cancellationToken, cluster.ClientProxy.Pod, cluster.ServerProxy.Pod);

        var answer = (await PingAsync(cluster, cancellationToken)).Succeeded().Output;
        return answer == "PONG" ? answer : throw new CheckFailedException($"redis said {answer}");
    }

    private static Task<CommandResult> PingAsync(DemoCluster cluster, CancellationToken cancellationToken) =>
        cluster.Client.Namespace.RunAsync(
            new ProcessSpec("redis-cli", "-h", cluster.Server.IPv4.ToString(), "ping"), cancellationToken);
}
