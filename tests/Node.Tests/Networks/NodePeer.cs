using System.Text.Json;
using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>One of the scripts in <c>Peers</c> as a server in a pod, and what it reports, one JSON object a line.</summary>
internal sealed class NodePeer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly ChildProcess _process;

    private NodePeer(ChildProcess process) => _process = process;

    /// <summary>Reports so far.</summary>
    public long Count => _process.Output.Count;

    /// <summary>Starts a script and waits until it listens.</summary>
    public static async Task<NodePeer> StartAsync(
        Pod pod, string script, object configuration, CancellationToken cancellationToken)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Peers", script);
        var process = await pod.Namespace.StartAsync(
            new ProcessSpec("node", path, JsonSerializer.Serialize(configuration)));
        var peer = new NodePeer(process);
        await peer.FirstAsync("listening", 0, cancellationToken);
        return peer;
    }

    /// <summary>The reports of one kind from a position on.</summary>
    public IReadOnlyList<JsonElement> Reports(string kind, long since = 0) =>
        [.. _process.Output.Since(since).Select(Parse).Where(report => IsOf(report, kind))];

    /// <summary>Waits for the first report of a kind from a position on.</summary>
    public async Task<JsonElement> FirstAsync(string kind, long since, CancellationToken cancellationToken)
    {
        var line = await _process.Output.FirstWithinAsync(
            line => IsOf(Parse(line), kind), since, Limit, cancellationToken);
        Assert.True(line is not null, $"no {kind}: {_process.Output} {_process.Error}");
        return Parse(line);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static JsonElement Parse(string line) => JsonElement.Parse(line);

    private static bool IsOf(JsonElement report, string kind) => report.GetProperty("event").GetString() == kind;
}
