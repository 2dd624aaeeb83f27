using System.Collections.Immutable;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Cli;
using Ztunnel.Telemetry;

namespace Ztunnel.Cni;

/// <summary>
/// <c>ztunnel cni-server</c>: a <see cref="CniServer"/> that is steered by its arguments, standard input and a socket.
/// </summary>
internal static class CniServerCommand
{
    private const string Usage = "ztunnel cni-server [--uds PATH] [--control PATH] [--add 'NETNS --name ...']...";

    /// <summary>Runs it until the token fires. The end of standard input does not end it.</summary>
    /// <param name="arguments">What follows <c>cni-server</c>.</param>
    /// <param name="error">Gets one line on what is wrong.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Exit code: 0 after a stop.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter error, CancellationToken cancellationToken)
    {
        // Standard output belongs to the answers.
        using var log = new LogSink(
            Console.OpenStandardError(), LogFormat.Plain, LogFilter.FromEnvironment(null), TimeProvider.System);
        using var loggers = new LoggerFactory([log], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        try
        {
            var options = Parse(arguments);
            FileDescriptorLimit.RaiseSoftToHard();
            await using var server = await CniServer.StartAsync(
                new CniServerOptions { Path = options.Path },
                TimeProvider.System,
                loggers.CreateLogger<CniServer>(),
                cancellationToken);
            await ServeAsync(server, options, cancellationToken);
            return 0;
        }
        catch (Exception e) when (e is UsageException or IOException or SocketException)
        {
            await error.WriteLineAsync(e.Message);
            return 1;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return 0;
        }
    }

    /// <summary>Reads what follows <c>cni-server</c>.</summary>
    /// <exception cref="UsageException">It cannot be understood.</exception>
    internal static Options Parse(IReadOnlyList<string> arguments)
    {
        var options = new Options(CniServerOptions.DefaultPath, Control: null, Pods: []);
        var reader = new ArgumentReader(arguments);
        while (reader.TryRead(out var argument))
        {
            options = argument switch
            {
                "--uds" => options with { Path = reader.ReadValue(argument) },
                "--control" => options with { Control = reader.ReadValue(argument) },
                "--add" => options with { Pods = options.Pods.Add(reader.ReadValue(argument)) },
                _ => throw ArgumentReader.Unexpected(argument, Usage),
            };
        }

        return options;
    }

    private static async Task ServeAsync(CniServer server, Options options, CancellationToken cancellationToken)
    {
        // A proxy is not there yet as a rule: it hears of these pods in its snapshot.
        foreach (var pod in options.Pods)
        {
            var words = pod.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            try
            {
                await server.AddAsync(CniControl.ReadPod(words), cancellationToken);
            }
            catch (CniException)
            {
                // Nobody listens, or a proxy that was quick said no; the pod is known either way.
            }
            catch (ArgumentException e)
            {
                throw new UsageException(e.Message);
            }
        }

        var control = new CniControl(server);
        await using var socket = options.Control is { } path
            ? await CniControlSocket.StartAsync(path, control, cancellationToken)
            : null;
        await using var input = Console.OpenStandardInput();
        await using var output = Console.OpenStandardOutput();
        try
        {
            await control.RunAsync(input, output, cancellationToken);
        }
        catch (IOException)
        {
            // Nobody reads the answers any more. The socket goes on.
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }

    /// <summary>What it was asked to do.</summary>
    /// <param name="Path">Of the socket for proxies.</param>
    /// <param name="Control">Path of the socket for operators, if there shall be one.</param>
    /// <param name="Pods">To begin with, each as what follows <c>add</c>.</param>
    internal sealed record Options(string Path, string? Control, ImmutableArray<string> Pods);
}
