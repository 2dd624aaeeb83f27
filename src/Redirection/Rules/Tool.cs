using System.ComponentModel;
using System.Diagnostics;

namespace Redirection.Rules;

/// <summary>Runs programs inside a network namespace, one after the other.</summary>
/// <remarks>
/// <c>nsenter</c> makes the switch in the child. Starting a child from inside <see cref="Netns.Run{T}"/> would do without
/// it, but the runtime starts a thread of its own with the first child, which would stay in the pod.
/// </remarks>
/// <param name="netns">Lent; open as long as this object is used.</param>
internal sealed class Tool(Netns netns)
{
    private const int CommandNotFound = 127; // of nsenter as of shells

    /// <summary>Runs one program and returns what it printed.</summary>
    /// <param name="name">Program, searched in PATH.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">All of its standard input.</param>
    /// <param name="tolerated">Parts of error output that make a failure a success.</param>
    /// <param name="cancellationToken">Ends the program.</param>
    /// <exception cref="ToolException">The program is missing or failed.</exception>
    public async Task<string> RunAsync(
        string name,
        IEnumerable<string> arguments,
        string input,
        IReadOnlyList<string> tolerated,
        CancellationToken cancellationToken)
    {
        string[] command = [name, .. arguments];
        using var process = Start(command);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await WriteAsync(process.StandardInput, input, cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            var errorText = (await errors).Trim();
            return process.ExitCode == 0 || tolerated.Any(text => errorText.Contains(text, StringComparison.Ordinal))
                ? await output
                : throw Failure(command, process.ExitCode, errorText);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private Process Start(string[] command)
    {
        var start = new ProcessStartInfo("nsenter", [$"--net={netns.Path}", "--", .. command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C"; // error output is compared
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new ToolException($"cannot start nsenter: {OsError.Describe(exception)}", exception);
        }
    }

    private static async Task WriteAsync(StreamWriter input, string text, CancellationToken cancellationToken)
    {
        try
        {
            await using (input)
            {
                await input.WriteAsync(text.AsMemory(), cancellationToken);
            }
        }
        catch (IOException)
        {
            // The program ended without reading everything. Its exit code and error output say why.
        }
    }

    private ToolException Failure(string[] command, int exitCode, string errors) => new(
        exitCode == CommandNotFound
            ? $"{command[0]} is not installed, which network namespace {netns} needs: {errors}"
            : $"{string.Join(' ', command)} failed in network namespace {netns} with exit code {exitCode}: {errors}");
}
