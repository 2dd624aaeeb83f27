using System.Net;
using System.Net.Sockets;

namespace Node.Bench.Load;

/// <summary>One client connection that sends a payload and insists on getting the same bytes back. Blocking.</summary>
internal sealed class EchoClient : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _payload;
    private readonly byte[] _answer;

    private EchoClient(Socket socket, int payloadBytes)
    {
        _socket = socket;
        _payload = new byte[payloadBytes];
        _answer = new byte[payloadBytes];
        Random.Shared.NextBytes(_payload);
    }

    /// <exception cref="SocketException">The target refuses or does not answer.</exception>
    public static EchoClient Connect(IPEndPoint target, int payloadBytes, TimeSpan? receiveTimeout = null)
    {
        var socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.ReceiveTimeout = (int)(receiveTimeout ?? TimeSpan.Zero).TotalMilliseconds;
            socket.Connect(target);
            return new EchoClient(socket, payloadBytes);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">It ended, or other bytes came back.</exception>
    public void RoundTrip()
    {
        _socket.Send(_payload); // blocking: returns when all is sent
        var received = 0;
        while (received < _answer.Length)
        {
            var length = _socket.Receive(_answer, received, _answer.Length - received, SocketFlags.None);
            if (length == 0)
            {
                throw new InvalidDataException("the connection ended inside an echo");
            }

            received += length;
        }

        Compare();
    }

    /// <summary>The same without blocking a thread. One socket is used with one of the two only.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">It ended, or other bytes came back.</exception>
    public async ValueTask RoundTripAsync()
    {
        await _socket.SendAsync(_payload, SocketFlags.None);
        var received = 0;
        while (received < _answer.Length)
        {
            var length = await _socket.ReceiveAsync(_answer.AsMemory(received), SocketFlags.None);
            if (length == 0)
            {
                throw new InvalidDataException("the connection ended inside an echo");
            }

            received += length;
        }

        Compare();
    }

    public void Dispose() => _socket.Dispose();

    private void Compare()
    {
        if (!_answer.AsSpan().SequenceEqual(_payload))
        {
            throw new InvalidDataException("other bytes came back than were sent");
        }
    }
}
