using System.Globalization;
using Redirection;
using Ztunnel.Cli;
using Ztunnel.Cni;
using Ztunnel.Config;
using Ztunnel.Demo;
using Ztunnel.Identity;
using Ztunnel.Mesh.Local;
using Ztunnel.Proxy;

namespace Ztunnel;

/// <summary>Entry point: one command, one exit code.</summary>
internal static class Program
{
    // One for each thread that polls sockets by default: sessions come and go on these, and a heap keeps what it once held.
    private const int NativeHeapArenas = 2;

    private static async Task<int> Main(string[] arguments)
    {
        var commandLine = CommandLine.Parse(arguments);
        switch (commandLine.Command)
        {
            case Command.Version:
                Console.WriteLine(VersionInfo.OfProcess());
                return 0;
            case Command.Help:
                Console.WriteLine(CommandLine.Help);
                return 0;
            case Command.Unknown:
                await Console.Error.WriteLineAsync(commandLine.Error);
                return 1;
            case Command.Demo:
                return await RunDemoAsync(commandLine);
            case Command.CniServer:
                return await RunCniServerAsync(commandLine);
            case Command.Redirect:
                return await RunStoppableAsync(commandLine, RedirectCommand.RunAsync);
            case Command.Probes:
                return await RunStoppableAsync(commandLine, ProbesCommand.RunAsync);
            case Command.Inspect:
                return await RunStoppableAsync(commandLine, InspectCommand.RunAsync);
            default:
                return await RunProxyAsync(arguments);
        }
    }

    private static async Task<int> RunProxyAsync(string[] arguments)
    {
        try
        {
            var options = ProxyOptions.FromProcess() with { ProxyArguments = string.Join(' ', arguments) };
            TuneRuntime(options);
            await using var host = await ProxyHost.StartAsync(options);
            await host.RunAsync();
            return 0;
        }
        catch (Exception e) when (
            e is ConfigurationException or LocalMeshException or IdentityException or ListenException or IOException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    private static async Task<int> RunDemoAsync(CommandLine commandLine)
    {
        using var signals = new StopSignals();
        return await DemoRunner.RunAsync(
            commandLine.Keep, commandLine.ControlPlane, Console.Out, Console.Error, signals.Stop);
    }

    private static async Task<int> RunCniServerAsync(CommandLine commandLine)
    {
        using var signals = new StopSignals();
        return await CniServerCommand.RunAsync(commandLine.Arguments, Console.Error, signals.Stop);
    }

    private static async Task<int> RunStoppableAsync(
        CommandLine commandLine,
        Func<IReadOnlyList<string>, TextWriter, TextWriter, CancellationToken, Task<int>> command)
    {
        using var signals = new StopSignals();
        return await command(commandLine.Arguments, Console.Out, Console.Error, signals.Stop);
    }

    // Read by the runtime when the first socket is made. Continuations run on the threads that poll the sockets: 15-40 %
    // less CPU, and the reason why none of ours may block.
    private static void TuneRuntime(ProxyOptions options)
    {
        NativeHeap.TryLimitArenas(NativeHeapArenas);
        Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");
        Environment.SetEnvironmentVariable(
            "DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", options.WorkerThreads.ToString(CultureInfo.InvariantCulture));
    }
}
