using System.Net.Sockets;
using Hbone.Http2;

namespace Hbone.Tls.OpenSsl;

/// <summary>A connected socket, which it owns. OpenSSL reads from it directly.</summary>
internal sealed class SocketCarrier(Socket socket) : IRecordCarrier
{
    /// <inheritdoc/>
    public int HeadRoom => 0;

    /// <inheritdoc/>
    public bool IsLasting => true;

    /// <inheritdoc/>
    public TlsException ReadFailure
    {
        get
        {
            // A system call that failed can only be recv, and only because of a reset: everything else would wait.
            var reset = new SocketException((int)SocketError.ConnectionReset);
            return new TlsException(reset.Message, reset);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="SocketException">The socket is not usable.</exception>
    public nint CreateInput()
    {
        socket.Blocking = false;
        return Native.BIO_new_socket((int)socket.SafeHandle.DangerousGetHandle(), close: 0);
    }

    /// <inheritdoc/>
    public bool TryRefill() => false;

    /// <inheritdoc/>
    public ValueTask<int> WaitReadableAsync(CancellationToken cancellationToken = default) =>
        socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="SocketException">The peer reset or closed the connection.</exception>
    public ValueTask<int> SendAsync(byte[] batch, int length, CancellationToken cancellationToken) =>
        socket.SendAsync(batch.AsMemory(0, length), SocketFlags.None, cancellationToken);

    /// <inheritdoc/>
    public Task SayFarewellAsync(Task written, TimeSpan limit) => Farewell.SayAsync(socket, written, limit);

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();
}
