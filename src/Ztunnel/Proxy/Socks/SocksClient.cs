using System.Net.Sockets;

namespace Ztunnel.Proxy.Socks;

/// <summary>The handshake with one client, from its greeting to the one reply that ends it.</summary>
/// <param name="socket">Accepted; not owned.</param>
internal sealed class SocksClient(Socket socket) : IEstablished
{
    // Reads of what a client sends although it was refused: some 64 KiB.
    private const int MaxRest = 256;

    private bool _isWelcome;

    /// <summary>Whether the client has its reply: from there on everything is the application's.</summary>
    public bool IsReplied { get; private set; }

    /// <summary>Reads both messages and answers the first.</summary>
    /// <returns>Null when the client has left before it asked for anything.</returns>
    /// <exception cref="SocksException">The handshake cannot go on; the client is told nothing yet.</exception>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task<SocksTarget?> NegotiateAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[SocksMessages.MaxLength];
        if (await ReadAsync(buffer, SocksMessages.MissingOfGreeting, cancellationToken) == 0)
        {
            return null;
        }

        await SendAsync(SocksMessages.Welcome, cancellationToken);
        _isWelcome = true;
        var length = await ReadAsync(buffer, SocksMessages.MissingOfRequest, cancellationToken);
        return length == 0 ? null : SocksMessages.TargetOf(buffer.AsSpan(0, length));
    }

    /// <inheritdoc/>
    public async ValueTask EstablishedAsync()
    {
        try
        {
            await ReplyAsync(SocksReplyCode.Succeeded, CancellationToken.None);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone, or the drain has ended.
        }
    }

    /// <summary>Ends the handshake.</summary>
    /// <exception cref="SocketException">The connection is broken.</exception>
    public ValueTask ReplyAsync(SocksReplyCode code, CancellationToken cancellationToken)
    {
        IsReplied = true;
        return SendAsync(SocksMessages.Reply(code), cancellationToken);
    }

    /// <summary>Says no, in the words of the step that the handshake is at, so that the client gets to read it.</summary>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="OperationCanceledException">The client goes on to send and does not close.</exception>
    public async Task RefuseAsync(SocksReplyCode code, CancellationToken cancellationToken)
    {
        IsReplied = true;
        await SendAsync(_isWelcome ? SocksMessages.Reply(code) : SocksMessages.NoAcceptableMethod, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);

        // Closing with octets unread would be a reset, which overtakes the reply.
        var rest = new byte[SocksMessages.MaxLength];
        for (var i = 0; i < MaxRest && await socket.ReceiveAsync(rest, cancellationToken) > 0; i++)
        {
        }
    }

    // Asks for what is missing only, because what comes behind is the application's.
    private async ValueTask<int> ReadAsync(
        byte[] buffer, Func<ReadOnlySpan<byte>, int> missing, CancellationToken cancellationToken)
    {
        var length = 0;
        for (int more; (more = MissingOf(buffer, length, missing)) > 0;)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length, more), cancellationToken);
            if (read == 0)
            {
                return 0;
            }

            length += read;
        }

        return length;
    }

    private static int MissingOf(byte[] buffer, int length, Func<ReadOnlySpan<byte>, int> missing) =>
        missing(buffer.AsSpan(0, length));

    // At most ten octets into a buffer that is empty: one call of send takes them all.
    private async ValueTask SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        _ = await socket.SendAsync(message, cancellationToken);
}
