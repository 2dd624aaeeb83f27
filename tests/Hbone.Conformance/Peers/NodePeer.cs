using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;

namespace Hbone.Conformance.Peers;

/// <summary>
/// A Node.js process that speaks HTTP/2 CONNECT to us with an implementation that is not ours. It reports in JSON, one
/// object a line; the process ends with this object.
/// </summary>
internal sealed class NodePeer : IAsyncDisposable
{
    private const string ServerScript = "connect-server.mjs";
    private const string ClientScript = "connect-client.mjs";
    private static readonly TimeSpan ReportDeadline = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _errors;

    private NodePeer(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Port that the server listens on, at 127.0.0.1; 0 for a client.</summary>
    public int Port { get; private set; }

    /// <summary>Starts <c>connect-server.mjs</c> and waits until it listens.</summary>
    /// <param name="certificate">Its identity and trust.</param>
    /// <param name="options">As in the script, for instance <c>--status=503</c>.</param>
    /// <param name="cancellationToken">Gives up; the process ends.</param>
    public static async Task<NodePeer> StartServerAsync(
        TestCertificates.PemFiles certificate, string[] options, CancellationToken cancellationToken)
    {
        var peer = Start("node", ServerScript, certificate, options);
        try
        {
            peer.Port = (await peer.ReadReportAsync("listening", cancellationToken)).GetProperty("port").GetInt32();
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs <c>connect-client.mjs</c> to its end and hands out its summary.</summary>
    /// <param name="certificate">Its identity and trust.</param>
    /// <param name="port">Port of the server, at 127.0.0.1.</param>
    /// <param name="options">As in the script, for instance <c>--streams=50</c>.</param>
    /// <param name="cancellationToken">Gives up; the process ends.</param>
    public static async Task<JsonElement> RunClientAsync(
        TestCertificates.PemFiles certificate, int port, string[] options, CancellationToken cancellationToken)
    {
        await using var peer = Start("node", ClientScript, certificate, [$"--port={port}", .. options]);
        return await peer.ReadReportAsync(cancellationToken);
    }

    /// <summary>Starts one of the scripts.</summary>
    /// <exception cref="InvalidOperationException">There is no such program.</exception>
    internal static NodePeer Start(
        string program, string script, TestCertificates.PemFiles certificate, string[] options)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Peers", script),
            $"--cert={certificate.Certificate}", $"--key={certificate.Key}", $"--ca={certificate.Authority}",
            .. options,
        ];
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new NodePeer(Process.Start(start)!);
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException(
                $"cannot start '{program}': the conformance tests need Node.js 18 or later on the PATH", missing);
        }
    }

    /// <summary>The next report of a server, of one kind; others before it are passed over.</summary>
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

    /// <summary>Stops the process, if it still runs, and waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        await _errors;
        _process.Dispose();
    }

    private async Task<JsonElement> ReadReportAsync(CancellationToken cancellationToken)
    {
        var line = await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask()
            .WaitAsync(ReportDeadline, cancellationToken);
        return line is null
            ? throw new InvalidOperationException($"the Node.js peer ended without a report: {await _errors}")
            : JsonElement.Parse(line);
    }
}
