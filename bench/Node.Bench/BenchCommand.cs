using System.Runtime.InteropServices;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>The benchmark as a command: progress on standard error, results on standard output.</summary>
internal static class BenchCommand
{
    private const int Interrupted = 130;

    /// <returns>0; 1 if a measurement has no value or a connection failed; 130 after a signal.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            return await RunAsync(BenchOptions.Parse(arguments), stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.Error.WriteLine("stopped; pods and proxies are gone");
            return Interrupted;
        }
        catch (Exception e) when (e is BenchException or CommandException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true; // the default would end us with the namespaces still there
            stop.Cancel();
        }
    }

    private static async Task<int> RunAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (options.Help)
        {
            Console.Out.WriteLine(BenchOptions.Usage);
            return 0;
        }

        if (!Environment.IsPrivilegedProcess)
        {
            throw new BenchException("network namespaces need root: run this with sudo");
        }

        if (options.Peers.Any(PeerNames.IsOurs) && !File.Exists(options.Binary))
        {
            throw new BenchException($"there is no ztunnel binary at '{options.Binary}': see --binary, or use --peers");
        }

        await Topology.RemoveLeftoversAsync();
        var machine = await Machine.DescribeAsync(options, cancellationToken);
        foreach (var line in machine)
        {
            Console.Out.WriteLine($"MACHINE {line}");
        }

        var samples = new Samples();
        await new BenchRun(options, samples, Console.Error).RunAsync(cancellationToken);
        Report.WriteLines(samples, options.Peers, Console.Out);
        if (options.Markdown)
        {
            Report.WriteMarkdown(samples, options.Peers, machine, Console.Out);
        }

        foreach (var failure in samples.Failures)
        {
            Console.Out.WriteLine($"FAILED {failure}");
        }

        return samples.Failures.Count > 0 ? 1 : 0;
    }
}
