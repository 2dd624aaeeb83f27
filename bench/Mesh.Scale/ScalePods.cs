using System.Text.Json;
using Mesh.Scale.ControlPlane;
using Mesh.Scale.Load;
using Node.Bench;
using Node.Bench.Load;
using Node.Bench.Peers;
using Ztunnel.Demo;

namespace Mesh.Scale;

/// <summary>
/// Two pods with a proxy each. The first also holds the control plane, which only its own proxy knows, and the load; the
/// second the application. So the first proxy alone has the large mesh.
/// </summary>
internal sealed class ScalePods : IAsyncDisposable
{
    private const int ControlPlanePort = 15_012;
    private const int InboundPort = 15_008;
    private const int ConnectionsPerSecond = 200;
    private const int Streams = 16;
    private const int LastLines = 5;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly PodPair _pods;
#pragma warning disable CA2213 // the namespace that they run in ends them
    private ChildProcess _controlPlane = null!;
    private ChildProcess _load = null!;
#pragma warning restore CA2213

    private ScalePods(PodPair pods) => _pods = pods;

    /// <summary>The proxy with the large mesh.</summary>
    public ChildProcess Proxy { get; private set; } = null!;

    /// <summary>The last lines of its log.</summary>
    public string LastWords => string.Join('\n', Proxy.Output.Since(Proxy.Output.Count - LastLines));

    public static async Task<ScalePods> CreateAsync(ScaleOptions options, CancellationToken cancellationToken)
    {
        var pods = await PodPair.CreateAsync(cancellationToken);
        var made = new ScalePods(pods);
        try
        {
            await made.StartAsync(options, cancellationToken);
            return made;
        }
        catch
        {
            await made.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has the control plane do something; its answer.</summary>
    public Task<string> ControlAsync(string command, CancellationToken cancellationToken) =>
        AskAsync(_controlPlane, command, cancellationToken);

    /// <summary>Ends a phase of the load; its figures.</summary>
    public async Task<Phase> TakeAsync(CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize<Phase>(await AskAsync(_load, "take", cancellationToken))!;

    public ValueTask DisposeAsync() => _pods.DisposeAsync();

    private async Task StartAsync(ScaleOptions options, CancellationToken cancellationToken)
    {
        var peer = new ZtunnelPeer(Path.GetFullPath(options.Binary));
        await peer.PrepareAsync(_pods, cancellationToken);
        await _pods.Source.IpAsync([$"route add default via {PodPair.DestinationAddress}"], cancellationToken);
        var echo = Ourselves(EchoServer.Command, FormattableString.Invariant($"{PodPair.EchoPort}"));
        await _pods.Destination.StartListenerAsync(echo, PodPair.EchoPort, cancellationToken);
        await _pods.Destination.StartListenerAsync(peer.Proxy(_pods, "b"), InboundPort, cancellationToken);

        var root = Path.Combine(_pods.Folder, "root.pem");
        var (workloads, services, policies) = options.Size;
        var controlPlane = Ourselves(
            ControlPlaneCommand.Name,
            FormattableString.Invariant($"{ControlPlanePort}"),
            root,
            FormattableString.Invariant($"{workloads}"),
            FormattableString.Invariant($"{services}"),
            FormattableString.Invariant($"{policies}"));
        _controlPlane = await _pods.Source.StartListenerAsync(
            controlPlane with { KeepInputOpen = true }, ControlPlanePort, cancellationToken);

        var proxy = peer.Proxy(_pods, "a");
        var environment = new Dictionary<string, string?>(proxy.Environment)
        {
            ["LOCAL_XDS_PATH"] = null,
            ["XDS_ADDRESS"] = FormattableString.Invariant($"https://localhost:{ControlPlanePort}"),
            ["XDS_ROOT_CA"] = root,
        };
        foreach (var (name, value) in options.Variables)
        {
            environment[name] = value;
        }

        Proxy = await _pods.Source.StartListenerAsync(
            proxy with { Environment = environment }, InboundPort, cancellationToken);
        await ControlAsync("small", cancellationToken);
        var load = Ourselves(
            PacedLoadCommand.Name,
            MeshPlan.EchoVip.ToString(),
            FormattableString.Invariant($"{ConnectionsPerSecond}"),
            FormattableString.Invariant($"{Streams}"),
            "http://127.0.0.1:15020/metrics");
        _load = await _pods.Source.StartAsync(load with { KeepInputOpen = true });
    }

    private async Task<string> AskAsync(ChildProcess process, string line, CancellationToken cancellationToken)
    {
        var position = process.Output.Count;
        await process.Input.WriteLineAsync(line);
        await process.Input.FlushAsync(cancellationToken);
        try
        {
            return await process.Output.FirstAsync(_ => true, position, cancellationToken)
                .WaitAsync(Limit, cancellationToken) ?? throw Failed($"'{line}': it ended");
        }
        catch (TimeoutException)
        {
            throw Failed($"'{line}' took too long");
        }
    }

    private BenchException Failed(string message) => new(
        $"{message}\n{_controlPlane.Error}\n{_load?.Error}\n{LastWords}");

    private static ProcessSpec Ourselves(params IReadOnlyList<string> arguments) =>
        new([Environment.ProcessPath!, .. arguments]);
}
