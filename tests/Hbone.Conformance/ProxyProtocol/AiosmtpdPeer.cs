using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hbone.Conformance.Peers;

namespace Hbone.Conformance.ProxyProtocol;

/// <summary>
/// The Python package aiosmtpd, which reads whole PROXY protocol headers, types it does not know included:
/// <c>proxy_header_reader.py</c>.
/// </summary>
internal sealed class AiosmtpdPeer : IAsyncDisposable
{
    private readonly PeerProcess _process;
    private readonly int _port;

    private AiosmtpdPeer(PeerProcess process, int port)
    {
        _process = process;
        _port = port;
    }

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<AiosmtpdPeer> StartAsync(CancellationToken cancellationToken)
    {
        var process = PeerProcess.Start(
            PeerProgram.Python, ["-B", PeerProcess.ScriptPath("proxy_header_reader.py")]);
        try
        {
            var report = await process.ReadReportAsync("listening", cancellationToken);
            return new AiosmtpdPeer(process, report.GetProperty("port").GetInt32());
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Sends a header and what is behind it on one connection.</summary>
    /// <returns>What it has read.</returns>
    public async Task<JsonElement> ReadAsync(byte[] header, byte[] behind, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _port), cancellationToken);
        byte[] octets = [.. header, .. behind];
        await socket.SendAsync(octets, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        return await _process.ReadReportAsync("header", cancellationToken);
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
