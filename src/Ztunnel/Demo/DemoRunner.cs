using Redirection.Rules;

namespace Ztunnel.Demo;

/// <summary>
/// <c>ztunnel demo</c>: builds two nodes with a proxy each and three pods on this machine, sends real traffic through
/// the proxies and says what it saw. Nothing of it is left afterwards, however it ends.
/// </summary>
internal static class DemoRunner
{
    private static readonly DemoCheck[] Checks =
    [
        .. WebChecks.All,
        .. NameChecks.All,
        .. ProtocolChecks.All,
        .. ThroughputChecks.All,
        .. PolicyChecks.All,
        .. WireChecks.All,
        .. TelemetryChecks.All,
    ];

    /// <summary>Runs it.</summary>
    /// <param name="keep">Whether the pods stay, to play with, until the token fires.</param>
    /// <param name="controlPlane">Executable of a control plane for the proxies; null for files.</param>
    /// <param name="output">Where the table goes.</param>
    /// <param name="error">Where it says what it needs and does not have.</param>
    /// <param name="cancellationToken">Ctrl+C and SIGTERM: cleans up and ends.</param>
    /// <returns>Exit code: 0 if every check passed, 1 if not, 130 if it was stopped before the end.</returns>
    public static async Task<int> RunAsync(
        bool keep,
        string? controlPlane,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellationToken)
    {
        var report = new DemoReport(output);
        try
        {
            if (Tools.DescribeMissing() is { } missing)
            {
                throw new CommandException(missing);
            }

            report.Say(controlPlane is null
                ? "building two nodes with a proxy each and three pods in network namespaces"
                : "building two nodes with a proxy each and three pods in network namespaces, "
                    + "and a control plane on a third node");
            await using var cluster = await DemoCluster.CreateAsync(OwnBinary(), controlPlane, cancellationToken);
            await RunChecksAsync(cluster, report, cancellationToken);
            if (keep)
            {
                await KeepAsync(cluster, report, cancellationToken);
            }
        }
        catch (Exception e) when (e is CommandException or CheckFailedException or ToolException)
        {
            error.WriteLine(e.Message);
            report.CountFailure();
            report.Summarize();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            error.WriteLine("stopped; everything is removed");
            return 130;
        }

        return report.Failed == 0 ? 0 : 1;
    }

    private static async Task RunChecksAsync(
        DemoCluster cluster, DemoReport report, CancellationToken cancellationToken)
    {
        report.BeginTable();
        foreach (var check in cluster.ControlPlane is null ? Checks : [.. Checks, .. PushChecks.All])
        {
            await report.AddAsync(check, cluster, cancellationToken);
        }

        if (report.Failed > 0)
        {
            report.ShowLogs(cluster);
        }
        else
        {
            await report.DrawAsync(cluster, cancellationToken);
        }

        report.Say("");
        report.Summarize();
    }

    private static async Task KeepAsync(DemoCluster cluster, DemoReport report, CancellationToken cancellationToken)
    {
        await cluster.Server.Namespace.StartAsync(new ProcessSpec("iperf3", "--server"));
        var wire = cluster.Client.Node.SwitchPort;
        var client = In(cluster.Client.Namespace);
        var proxy = In(cluster.ServerProxy.Pod.Namespace);
        var plain = In(cluster.Plain.Namespace);
        var change = cluster.ControlPlane is { } controlPlane
            ? $"\n  change the mesh          edit {controlPlane.MeshFile}: it is pushed"
            : "";
        report.Say(FormattableString.Invariant(
            $"""

            It keeps running until Ctrl+C. In another terminal, as root:

              through the tunnel       {client} curl http://{AddressPlan.Service4(1)}/
              denied by policy         {client} curl http://{cluster.Server.IPv4}:{DemoMesh.DeniedPort}/
              from outside the mesh    {plain} curl http://{cluster.Server.IPv4}:{DemoMesh.WebPort}/
              throughput               {client} iperf3 -c {cluster.Server.IPv4}
              what the wire shows      {In(cluster.Switch)} tcpdump -n -A -i {wire}
              metrics                  {proxy} curl http://127.0.0.1:15020/metrics
              state of a proxy         {proxy} curl http://127.0.0.1:15000/config_dump
              redirection rules        {client} nft list ruleset
              mesh and certificates    ls {cluster.Folder}{change}

            """));
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            report.Say("removing everything");
        }
    }

    private static string In(NetworkNamespace network) => $"ip netns exec {network.Name}";

    /// <summary>
    /// The proxy is this same program: its native binary, or the executable beside the assembly it was started from.
    /// </summary>
    private static string OwnBinary()
    {
        var process = System.Environment.ProcessPath ?? throw new CommandException("/proc is not mounted");
        return Path.GetFileNameWithoutExtension(process) == "dotnet"
            ? Path.Combine(AppContext.BaseDirectory, "ztunnel")
            : process;
    }
}
