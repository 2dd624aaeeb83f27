using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;

namespace Hbone.Conformance.Peers;

/// <summary>
/// A process that speaks HTTP/2 to us with an implementation that is not ours; it ends with this object. Its output is
/// read as it comes, so that it never waits for us: our scripts report in JSON there, one object a line.
/// </summary>
internal sealed class PeerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly PeerProgram _program;
    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task<string> _errors;
    private readonly Task _reading;

    private PeerProcess(PeerProgram program, Process process)
    {
        _program = program;
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadAsync();
    }

    /// <summary>Starts a program.</summary>
    /// <exception cref="InvalidOperationException">There is no such program.</exception>
    public static PeerProcess Start(PeerProgram program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program.Path, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new PeerProcess(program, Process.Start(start)!);
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException(
                $"cannot start '{program.Path}': the conformance tests need {program.Package}", missing);
        }
    }

    /// <summary>Where a script of this project is.</summary>
    public static string ScriptPath(string name) => Path.Combine(AppContext.BaseDirectory, "Peers", name);

    /// <summary>The next report.</summary>
    /// <exception cref="InvalidOperationException">The process ended instead; the text has what it said.</exception>
    public async Task<JsonElement> ReadReportAsync(CancellationToken cancellationToken) =>
        await ReadLineAsync(cancellationToken) is { } line
            ? JsonElement.Parse(line)
            : throw new InvalidOperationException($"{_program.Path} ended without a report: {await _errors}");

    /// <summary>The next report of one kind; others before it are passed over.</summary>
    public async Task<JsonElement> ReadReportAsync(string kind, CancellationToken cancellationToken)
    {
        while (true)
        {
            var report = await ReadReportAsync(cancellationToken);
            if (report.GetProperty("event").GetString() == kind)
            {
                return report;
            }
        }
    }

    /// <summary>Waits until the process has ended by itself.</summary>
    /// <returns>Its exit code and all it has written to either output that was not read yet.</returns>
    public async Task<(int ExitCode, string Output)> ReadToEndAsync(CancellationToken cancellationToken)
    {
        var output = new List<string>();
        while (await ReadLineAsync(cancellationToken) is { } line)
        {
            output.Add(line);
        }

        await _process.WaitForExitAsync(cancellationToken).WaitAsync(Deadline, cancellationToken);
        return (_process.ExitCode, string.Join('\n', output) + await _errors);
    }

    /// <summary>Stops the process, if it still runs.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }
    }

    /// <summary>Stops the process, if it still runs, and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
        await _reading;
        await _errors;
        _process.Dispose();
    }

    private async Task<string?> ReadLineAsync(CancellationToken cancellationToken) =>
        await _lines.Reader.WaitToReadAsync(cancellationToken).AsTask().WaitAsync(Deadline, cancellationToken)
            ? await _lines.Reader.ReadAsync(cancellationToken)
            : null;

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            _lines.Writer.TryWrite(line);
        }

        _lines.Writer.Complete();
    }
}
