using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Microsoft.Win32.SafeHandles;
using Redirection;
using Ztunnel.Demo;
using Ztunnel.Protos.Zds;

namespace Node.Bench.Pods;

/// <summary>What pods cost a proxy that serves a whole node: time to the ack, memory, descriptors, and what stays.</summary>
internal static class PodsCommand
{
    public const string Command = "pods";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    // Long enough for a collection after the last connection's end; memory is what is reported, not time.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(3);

    /// <returns>0, or 1 when something went wrong.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        try
        {
            await RunAsync(PodsOptions.Parse(arguments), stop.Token);
            return 0;
        }
        catch (Exception e) when (e is BenchException or CommandException or OperationCanceledException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static async Task RunAsync(PodsOptions options, CancellationToken cancellationToken)
    {
        FileDescriptorLimit.RaiseSoftToHard();
        var prefix = RunPrefix.Next();
        var folder = Directory.CreateTempSubdirectory($"{prefix}-").FullName;
        await using var node = await NetworkNamespace.CreateAsync(
            prefix.Name("node"), TopologyOptions.NodeSettings, cancellationToken);
        var namespaces = BareNetns.Create(options.Pods);
        try
        {
            var path = Path.Combine(folder, "ztunnel.sock");
            using var listener = SeqpacketSocket.Listen(path, backlog: 1);
            var mesh = Path.Combine(folder, "mesh.yaml");
            await File.WriteAllTextAsync(mesh, "workloads: []\n", cancellationToken);
            var process = await node.StartAsync(SpecOf(options, path, mesh));
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(Limit);
            using var agent = SeqpacketSocket.FromAccepted(await listener.AcceptAsync(deadline.Token));
            await agent.ReceiveAsync(new byte[16], deadline.Token); // hello
            await AskAsync(agent, new WorkloadRequest { SnapshotSent = new SnapshotSent() }, null, cancellationToken);
            await using var witness = options.Probe ? new ConnectionWitness() : null;
            if (witness is not null)
            {
                await AddAsync(agent, options.Pods, witness.Handle, cancellationToken);
                witness.Start();
            }

            for (var round = 1; round <= options.Rounds; round++)
            {
                await RunRoundAsync(round, agent, node, process, namespaces, witness, cancellationToken);
            }
        }
        finally
        {
            foreach (var netns in namespaces)
            {
                netns.Dispose();
            }

            await node.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task RunRoundAsync(
        int round,
        SeqpacketSocket agent,
        NetworkNamespace node,
        ChildProcess process,
        SafeFileHandle[] namespaces,
        ConnectionWitness? witness,
        CancellationToken cancellationToken)
    {
        await Task.Delay(Rest, cancellationToken);
        var before = await PodsUsage.OfAsync(node, process, cancellationToken);
        var acks = new double[namespaces.Length];
        for (var i = 0; i < namespaces.Length; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await AddAsync(agent, i, namespaces[i], cancellationToken);
            acks[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        witness?.Begin();
        await Task.Delay(Rest, cancellationToken);
        var idle = witness?.Report();
        var full = await PodsUsage.OfAsync(node, process, cancellationToken);
        var removal = Stopwatch.GetTimestamp();
        for (var i = 0; i < namespaces.Length; i++)
        {
            var delete = new DelWorkload { Uid = UidOf(i) };
            await AskAsync(agent, new WorkloadRequest { Del = delete }, null, cancellationToken);
        }

        var removed = Stopwatch.GetElapsedTime(removal).TotalMilliseconds;
        witness?.Begin();
        await Task.Delay(Rest, cancellationToken);
        var seen = witness?.Report();
        var after = await PodsUsage.OfAsync(node, process, cancellationToken);
        var total = acks.Sum();
        Array.Sort(acks);
        var count = (double)namespaces.Length;
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"ROUND {round} pods {namespaces.Length} acks {total:0} ms (median {acks[acks.Length / 2]:0.000}, "
            + $"p99 {acks[acks.Length * 99 / 100]:0.000}, longest {acks[^1]:0.000}), removal {removed:0} ms; per pod "
            + $"{(full.Resident - before.Resident) / count / 1024:0.0} KiB, "
            + $"{(full.Descriptors - before.Descriptors) / count:0.00} descriptors"));
        foreach (var (when, usage) in ((string, PodsUsage)[])[("before", before), ("with", full), ("after", after)])
        {
            Console.Out.WriteLine($"  {when,-6} {usage}");
        }

        if (witness is not null)
        {
            Console.Out.WriteLine($"  connections while nothing happens: {idle}");
            Console.Out.WriteLine($"  connections while memory is given back: {seen}");
        }
    }

    private static string UidOf(int pod) => string.Create(CultureInfo.InvariantCulture, $"00000000-0000-4000-8000-{pod:d12}");

    private static Task AddAsync(SeqpacketSocket agent, int pod, SafeHandle netns, CancellationToken cancellationToken)
    {
        var add = new AddWorkload
        {
            Uid = UidOf(pod),
            WorkloadInfo = new WorkloadInfo { Name = $"pod-{pod}", Namespace = "default", ServiceAccount = "default" },
        };
        return AskAsync(agent, new WorkloadRequest { Add = add }, netns, cancellationToken);
    }

    private static async Task AskAsync(
        SeqpacketSocket agent, WorkloadRequest request, SafeHandle? descriptor, CancellationToken cancellationToken)
    {
        agent.Send(request.ToByteArray(), descriptor);
        var buffer = new byte[1024];
        var packet = await agent.ReceiveAsync(buffer, cancellationToken);
        if (packet.Length == 0)
        {
            throw new BenchException("the proxy has closed the connection");
        }

        if (WorkloadResponse.Parser.ParseFrom(buffer, 0, packet.Length).Ack.Error is { Length: > 0 } error)
        {
            throw new BenchException($"the proxy refused: {error}");
        }
    }

    private static ProcessSpec SpecOf(PodsOptions options, string agentPath, string mesh) =>
        new(Path.GetFullPath(options.Binary), "proxy", "ztunnel")
        {
            InheritEnvironment = false,
            Environment = options.Environment.SetItems(new Dictionary<string, string?>
            {
                ["INPOD_UDS"] = agentPath,
                ["LOCAL_XDS_PATH"] = mesh,
                ["XDS_ADDRESS"] = "",
                ["FAKE_CA"] = "true",
                ["LOCAL_CA_DIR"] = Path.Combine(Path.GetDirectoryName(mesh)!, "ca"),
                ["NODE_NAME"] = "node",
                ["ISTIO_META_DNS_CAPTURE"] = options.Dns ? "true" : "false",
            }),
        };
}
