using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.Demo;

namespace Node.Tests.Routes;

/// <summary>A waypoint that is none of ours (<c>waypoint.mjs</c>), in a pod that is not captured.</summary>
internal sealed class WaypointPeer
{
    public const int Port = 15008;

    /// <summary>Answers in plain text.</summary>
    public const int PlainPort = 15010;

    /// <summary>Speaks TLS, but not HTTP/2 inside.</summary>
    public const int GarbagePort = 15011;

    /// <summary>Accepts and says nothing.</summary>
    public const int SilentPort = 15012;

    /// <summary>Nobody listens there.</summary>
    public const int ClosedPort = 15013;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ChildProcess _process;

    private WaypointPeer(ChildProcess process) => _process = process;

    /// <summary>How many lines it has printed.</summary>
    public long Count => _process.Output.Count;

    /// <param name="pod">Where.</param>
    /// <param name="identity">Its certificate.</param>
    /// <param name="endpoints">The pod behind each address of a service.</param>
    /// <param name="ports">The pods' port for each port of a service.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public static async Task<WaypointPeer> StartAsync(
        Pod pod,
        CertificateFiles identity,
        JsonObject endpoints,
        JsonObject ports,
        CancellationToken cancellationToken)
    {
        var argument = new JsonObject
        {
            ["port"] = Port,
            ["ca"] = identity.Authority,
            ["cert"] = identity.Certificate,
            ["key"] = identity.Key,
            ["baggage"] = "k8s.cluster.name=Kubernetes,k8s.namespace.name=shop,k8s.deployment.name=waypoint",
            ["endpoints"] = endpoints,
            ["ports"] = ports,
            ["broken"] = new JsonObject
            {
                ["plain"] = PlainPort,
                ["tls"] = GarbagePort,
                ["silent"] = SilentPort,
            },
        };
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "waypoint.mjs");
        var process = await pod.Namespace.StartAsync(
            new ProcessSpec("node", script, argument.ToJsonString()) { KeepInputOpen = true });
        Assert.True(
            await process.Output.FirstWithinAsync(
                line => line == """{"event":"listening"}""", since: 0, Limit, cancellationToken) is not null,
            $"the waypoint does not listen: {process.Output} {process.Error}");
        return new WaypointPeer(process);
    }

    /// <summary>The first request for that authority since a line, as the peer got it.</summary>
    public async Task<WaypointRequest> RequestAsync(string authority, long since, CancellationToken cancellationToken)
    {
        var line = await _process.Output.FirstWithinAsync(
            line => line.Contains($"\"authority\":\"{authority}\"", StringComparison.Ordinal),
            since,
            Limit,
            cancellationToken);
        Assert.True(line is not null, $"no request for {authority}: {_process.Output} {_process.Error}");
        return new WaypointRequest(JsonDocument.Parse(line).RootElement);
    }
}
