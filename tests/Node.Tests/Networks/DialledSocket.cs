using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Networks;

/// <summary>A connection of the client, and what its proxy logs about it.</summary>
/// <param name="Socket">The application's end.</param>
/// <param name="Log">Of the proxy.</param>
/// <param name="Since">Where the log was before.</param>
internal sealed record DialledSocket(Socket Socket, OutputLines Log, long Since) : IDisposable
{
    private readonly string _from = $"{Socket.LocalEndPoint}";

    /// <summary>Sends a text, ends, and reads to the end.</summary>
    public async Task<string> AskAsync(string text, CancellationToken cancellationToken)
    {
        await Socket.SendTextAsync(text, cancellationToken);
        Socket.Shutdown(SocketShutdown.Send);
        return await Socket.ReceiveToEndAsync(cancellationToken);
    }

    /// <summary>The access line when it is over.</summary>
    public Task<AccessLine> LineAsync(CancellationToken cancellationToken) =>
        Log.WaitForAccessAsync(
            Since, line => line["src.addr"] == _from && line["message"] != "connection opened", cancellationToken);

    public void Dispose() => Socket.Dispose();
}
