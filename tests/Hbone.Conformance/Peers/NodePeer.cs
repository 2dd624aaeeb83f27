using System.Text.Json;

namespace Hbone.Conformance.Peers;

/// <summary>Node's HTTP/2 stack as CONNECT server or client.</summary>
internal sealed class NodePeer : IAsyncDisposable
{
    private readonly PeerProcess _process;

    private NodePeer(PeerProcess process)
    {
        _process = process;
    }

    /// <summary>Port that the server listens on, at 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>Starts <c>connect-server.mjs</c> and waits until it listens.</summary>
    /// <param name="certificate">Its identity and trust.</param>
    /// <param name="options">As in the script, for instance <c>--status=503</c>.</param>
    /// <param name="cancellationToken">Gives up; the process ends.</param>
    public static async Task<NodePeer> StartServerAsync(
        TestCertificates.PemFiles certificate, string[] options, CancellationToken cancellationToken)
    {
        var peer = new NodePeer(Start("connect-server.mjs", certificate, options));
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
        await using var process = Start("connect-client.mjs", certificate, [$"--port={port}", .. options]);
        return await process.ReadReportAsync(cancellationToken);
    }

    /// <summary>The next report of a server, of one kind; others before it are passed over.</summary>
    public Task<JsonElement> ReadReportAsync(string kind, CancellationToken cancellationToken) =>
        _process.ReadReportAsync(kind, cancellationToken);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static PeerProcess Start(string script, TestCertificates.PemFiles certificate, string[] options) =>
        PeerProcess.Start(
            PeerProgram.Node,
            [
                PeerProcess.ScriptPath(script),
                $"--cert={certificate.Certificate}", $"--key={certificate.Key}", $"--ca={certificate.Authority}",
                .. options,
            ]);
}
