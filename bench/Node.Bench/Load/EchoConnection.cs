using System.Net.Sockets;

namespace Node.Bench.Load;

/// <summary>One accepted connection of the echo server. Disposes itself when the client closes.</summary>
/// <remarks>
/// Socket events instead of tasks: the server's share of the processors is not what is measured. Only one operation is
/// outstanding at a time, so no two threads are ever in here.
/// </remarks>
internal sealed class EchoConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly SocketAsyncEventArgs _operation = new();
    private readonly byte[] _buffer = new byte[4_096];
    private int _unsentOffset;
    private int _unsentLength;
    private bool _sending;

    public EchoConnection(Socket socket)
    {
        _socket = socket;
        _socket.NoDelay = true;
        _operation.Completed += (_, _) => OnCompleted();
    }

    /// <summary>Receives and sends until an operation has to wait or the connection ends.</summary>
    public void Run()
    {
        while (!Begin())
        {
            if (!TryTakeResult())
            {
                Dispose();
                return;
            }
        }
    }

    public void Dispose()
    {
        _operation.Dispose();
        _socket.Dispose();
    }

    /// <returns>Whether the operation waits; it calls <see cref="OnCompleted"/> then.</returns>
    private bool Begin()
    {
        _sending = _unsentLength > 0;
        if (_sending)
        {
            _operation.SetBuffer(_buffer, _unsentOffset, _unsentLength);
            return _socket.SendAsync(_operation);
        }

        _operation.SetBuffer(_buffer, 0, _buffer.Length);
        return _socket.ReceiveAsync(_operation);
    }

    private void OnCompleted()
    {
        if (TryTakeResult())
        {
            Run();
        }
        else
        {
            Dispose();
        }
    }

    private bool TryTakeResult()
    {
        var transferred = _operation.BytesTransferred;
        if (_operation.SocketError != SocketError.Success || transferred == 0)
        {
            return false;
        }

        (_unsentOffset, _unsentLength) = _sending
            ? (_unsentOffset + transferred, _unsentLength - transferred)
            : (0, transferred);
        return true;
    }
}
