using System.Text.Json;
using Node.Bench.Load;
using Node.Bench.Peers;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>One peer in its pair of pods, with the servers behind it.</summary>
internal sealed class Lane : IAsyncDisposable
{
    private const int LastLines = 5;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    /// <summary>What a client may take beyond its own duration.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(20);

    private readonly PodPair _pods;
    private IReadOnlyList<ChildProcess> _proxies = [];

    private Lane(IPeer peer, PodPair pods) => (Peer, _pods) = (peer, pods);

    public IPeer Peer { get; }

    /// <summary>The proxies in use, the client's first.</summary>
    public IReadOnlyList<ChildProcess> Proxies => _proxies;

    public static async Task<Lane> CreateAsync(IPeer peer, CancellationToken cancellationToken)
    {
        var pods = await PodPair.CreateAsync(cancellationToken);
        try
        {
            await peer.PrepareAsync(pods, cancellationToken);
            var echo = Ourselves(EchoServer.Command, FormattableString.Invariant($"{PodPair.EchoPort}"));
            await pods.Destination.StartListenerAsync(echo, PodPair.EchoPort, cancellationToken);
            var iperf = new ProcessSpec("iperf3", "-s", "-p", FormattableString.Invariant($"{PodPair.IperfPort}"));
            await pods.Destination.StartListenerAsync(iperf, PodPair.IperfPort, cancellationToken);
            return new Lane(peer, pods);
        }
        catch
        {
            await pods.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the proxies and waits until a round trip comes through.</summary>
    /// <exception cref="BenchException">None does.</exception>
    public async Task StartProxiesAsync(CancellationToken cancellationToken)
    {
        _proxies = await Peer.StartAsync(_pods, cancellationToken);
        await LoadAsync(LoadCommand.ProbeKind, 1, 1, StartLimit, cancellationToken);
    }

    public async Task StopProxiesAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }

        _proxies = [];
    }

    /// <summary>Runs a load client in the source pod to its end.</summary>
    /// <exception cref="BenchException">It failed.</exception>
    public async Task<LoadResult> LoadAsync(
        string kind, int connections, int payloadBytes, TimeSpan duration, CancellationToken cancellationToken)
    {
        var options = new LoadOptions(kind, Peer.EchoTarget, connections, payloadBytes, duration);
        var client = Ourselves([LoadCommand.Command, .. options.ToArguments()]);
        var result = await RunClientAsync(client, duration, cancellationToken);
        return result.ExitCode == 0 && JsonSerializer.Deserialize<LoadResult>(result.Output) is { } printed
            ? printed
            : throw Failed(result.Error);
    }

    /// <summary>Opens idle connections and keeps them while <paramref name="whileOpen"/> runs.</summary>
    /// <exception cref="BenchException">They could not all be opened.</exception>
    public async Task WithIdleConnectionsAsync(
        int connections, Func<Task> whileOpen, CancellationToken cancellationToken)
    {
        var options = new LoadOptions(LoadCommand.IdleKind, Peer.EchoTarget, connections, 1, TimeSpan.Zero);
        var spec = Ourselves([LoadCommand.Command, .. options.ToArguments()]) with { KeepInputOpen = true };
        await using var client = await _pods.Source.StartAsync(spec);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        try
        {
            if (await client.Output.FirstAsync(_ => true, since: 0, limit.Token) is null)
            {
                throw Failed($"idle connections: {client.Error}");
            }

            await whileOpen();
            client.Input.Close();
            await client.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"{connections} idle connections took too long", e);
        }
    }

    /// <summary>Runs a client in the source pod to its end, whatever its exit code.</summary>
    /// <exception cref="BenchException">It did not start or took too long.</exception>
    public async Task<CommandResult> RunClientAsync(
        ProcessSpec spec, TimeSpan duration, CancellationToken cancellationToken)
    {
        try
        {
            return await _pods.Source.RunAsync(spec, cancellationToken, duration + Slack);
        }
        catch (CommandException e)
        {
            throw Failed(e.Message, e);
        }
    }

    /// <summary>A failure with what the proxies said last, which usually tells why.</summary>
    public BenchException Failed(string message, Exception? innerException = null)
    {
        var said = _proxies.SelectMany(proxy =>
            proxy.Error.Since(proxy.Error.Count - LastLines).Concat(proxy.Output.Since(proxy.Output.Count - LastLines)));
        return new BenchException(string.Join("\n    ", [message.Trim(), .. said]), innerException);
    }

    public async ValueTask DisposeAsync()
    {
        await StopProxiesAsync();
        await _pods.DisposeAsync();
    }

    /// <summary>This program again, for a server or a client that answers events on the thread that sees them.</summary>
    private static ProcessSpec Ourselves(params IReadOnlyList<string> arguments) =>
        new([Environment.ProcessPath!, .. arguments])
        {
            Environment = new Dictionary<string, string?>
            {
                ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1",
            },
        };
}
