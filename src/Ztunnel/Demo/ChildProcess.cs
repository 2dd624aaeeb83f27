using System.ComponentModel;
using System.Diagnostics;

namespace Ztunnel.Demo;

/// <summary>A running program, in a network namespace or in ours, that dies with us.</summary>
/// <remarks>
/// It leads a session of its own, so a Ctrl+C in our terminal does not reach it and signals to its process group reach
/// what it starts. The kernel kills it when we are gone, however we ended.
/// </remarks>
internal sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly ProcessSpec _spec;
    private readonly Task _reading;
    private bool _disposed;

    private ChildProcess(Process process, ProcessSpec spec)
    {
        _process = process;
        _spec = spec;
        _reading = Task.WhenAll(Output.FillAsync(process.StandardOutput), Error.FillAsync(process.StandardError));
    }

    /// <summary>Process id; also the id of its group and session.</summary>
    public int Id => _process.Id;

    /// <summary>Lines of standard output.</summary>
    public OutputLines Output { get; } = new();

    /// <summary>Lines of standard error.</summary>
    public OutputLines Error { get; } = new();

    /// <summary>Standard input, with <see cref="ProcessSpec.KeepInputOpen"/>.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _disposed || _process.HasExited;

    /// <summary>Starts a program.</summary>
    /// <exception cref="CommandException">A tool it needs is missing.</exception>
    public static async Task<ChildProcess> StartAsync(ProcessSpec spec)
    {
        ChildProcess child;
        try
        {
            child = new ChildProcess(await LauncherThread.RunAsync(() => Process.Start(StartInfo(spec))!), spec);
        }
        catch (Win32Exception e)
        {
            throw new CommandException($"cannot start '{spec}': {e.Message}", e);
        }

        if (!spec.KeepInputOpen)
        {
            await child.WriteAndCloseInputAsync(spec.Input);
        }

        return child;
    }

    /// <summary>Runs a program to its end, or kills it after <paramref name="limit"/>.</summary>
    /// <exception cref="CommandException">It did not start or took too long.</exception>
    public static async Task<CommandResult> RunAsync(
        ProcessSpec spec, TimeSpan limit, CancellationToken cancellationToken)
    {
        await using var child = await StartAsync(spec);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            var exitCode = await child.WaitForExitAsync(deadline.Token);
            return new CommandResult(spec.ToString(), exitCode, child.Output.ToString(), child.Error.ToString());
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await child.SignalAsync("KILL");
            throw new CommandException(
                FormattableString.Invariant($"'{spec}' did not end within {limit.TotalSeconds:0.#} s: ")
                + $"{child.Error} {child.Output}".Trim());
        }
    }

    /// <summary>Waits for the end of the program and of its output.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        await _reading.WaitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Waits until the program, in its own namespace, listens on a TCP port of either family.</summary>
    /// <exception cref="CommandException">It ended first, or the time is over.</exception>
    public async Task WaitForListenerAsync(int port, TimeSpan limit, CancellationToken cancellationToken) =>
        await WaitUntilAsync(
            () => SocketTable.OfProcess(Id).Any(socket => socket.IsListening && socket.LocalPort == port),
            FormattableString.Invariant($"listens on port {port}"),
            limit,
            cancellationToken);

    /// <summary>Looks every 20 ms whether something has come true about this program.</summary>
    /// <exception cref="CommandException">It ended first, or the time is over.</exception>
    public async Task WaitUntilAsync(
        Func<bool> condition, string description, TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (HasExited || Stopwatch.GetElapsedTime(started) > limit)
            {
                var how = HasExited ? "ended" : FormattableString.Invariant($"ran {limit.TotalSeconds:0.#} s");
                throw new CommandException($"'{_spec}' {how} before it {description}: {Error} {Output}".Trim());
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), cancellationToken);
        }
    }

    /// <summary>
    /// Sends a signal, named without SIG, to the process group. Nothing happens if the program has ended.
    /// </summary>
    public async Task SignalAsync(string signal)
    {
        if (HasExited)
        {
            return;
        }

        // The shell's own kill, because a minimal system has no other.
        var command = FormattableString.Invariant($"kill -s {signal} -- -{Id} 2>/dev/null");
        var shell = new ProcessStartInfo("sh", ["-c", command]);
        using var kill = await LauncherThread.RunAsync(() => Process.Start(shell)!);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGTERM, then SIGKILL if the program takes longer than ten seconds. Its exit code.</summary>
    public async Task<int> StopAsync()
    {
        await SignalAsync("TERM");
        using var grace = new CancellationTokenSource(StopGrace);
        try
        {
            await _process.WaitForExitAsync(grace.Token);
        }
        catch (OperationCanceledException)
        {
            await SignalAsync("KILL");
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        await SignalAsync("KILL");
        _disposed = true;
        await _process.WaitForExitAsync(CancellationToken.None);

        // Output ends with the process unless it left somebody behind who holds the pipe; nobody waits for that.
        await Task.WhenAny(_reading, Task.Delay(OutputGrace));
        _process.Dispose();
    }

    private static ProcessStartInfo StartInfo(ProcessSpec spec)
    {
        string[] enter = spec.Namespace is null ? [] : ["ip", "netns", "exec", spec.Namespace];

        // Seen by this program only: ip gives it mounts of its own.
        string[] resolver = spec is { Namespace: not null, ResolverFile: { } file }
            ? ["sh", "-c", "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"", file]
            : [];
        string[] arguments = ["setpriv", "--pdeathsig", "KILL", "--", .. enter, .. resolver, .. spec.Arguments];
        var info = new ProcessStartInfo("setsid", arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (!spec.InheritEnvironment)
        {
            foreach (var name in info.Environment.Keys.Where(name => !ProcessSpec.IsAlwaysInherited(name)).ToArray())
            {
                info.Environment.Remove(name);
            }
        }

        info.Environment["PATH"] = Tools.SearchPath;
        foreach (var (name, value) in spec.Environment)
        {
            info.Environment[name] = value;
        }

        return info;
    }

    private async Task WriteAndCloseInputAsync(string input)
    {
        try
        {
            await Input.WriteAsync(input);
            Input.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its exit code says why.
        }
    }
}
