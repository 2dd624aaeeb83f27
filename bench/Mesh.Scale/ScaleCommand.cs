using System.Runtime.InteropServices;
using Node.Bench;
using Ztunnel.Demo;

namespace Mesh.Scale;

/// <summary>The benchmark as a command: results on standard output.</summary>
internal static class ScaleCommand
{
    private const int Interrupted = 130;

    /// <returns>0; 1 if it could not be carried out; 130 after a signal.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            var options = ScaleOptions.Parse(arguments);
            if (options.Help)
            {
                Console.Out.WriteLine(ScaleOptions.Usage);
                return 0;
            }

            if (!Environment.IsPrivilegedProcess)
            {
                throw new BenchException("network namespaces need root: run this with sudo");
            }

            await Topology.RemoveLeftoversAsync();
            await using var pods = await ScalePods.CreateAsync(options, stop.Token);
            await new ScaleRun(options, pods, Console.Out).RunAsync(stop.Token);
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
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
}
