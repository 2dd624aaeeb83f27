using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Memory;
using Hbone.Proxying;
using Hbone.Tls;

namespace Hbone.Soak;

/// <summary>
/// What port 15008 of a pod is: accepts HBONE connections on loopback and copies each tunnel to an application, which sends
/// back what it gets.
/// </summary>
internal sealed class SoakServer : IAsyncDisposable
{
    private const int Backlog = 512;
    private const int EchoLength = 32 * 1024;

    private readonly Socket _listener = Listen();
    private readonly Socket _application = Listen();
    private readonly WorkloadCertificate _certificate;
    private readonly HboneEndpointOptions _options;
    private readonly Running _running = new();
    private readonly CancellationTokenSource _stop = new();
    private int _calmed;

    public SoakServer(WorkloadCertificate certificate)
    {
        _certificate = certificate;
        _options = new HboneEndpointOptions { Memory = Memory, Ended = OnEnded };
        _running.Add(AcceptAsync(_listener, ServePeerAsync));
        _running.Add(AcceptAsync(_application, EchoAsync));
    }

    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndPoint!;

    /// <summary>What all connections hold.</summary>
    public MemoryBudget Memory { get; } = new(256 * 1024 * 1024);

    /// <summary>Connections that were ended with ENHANCE_YOUR_CALM.</summary>
    public int Calmed => Volatile.Read(ref _calmed);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        _application.Dispose();
        await _running.WhenAllAsync();
        _stop.Dispose();
    }

    private static Socket Listen()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(Backlog);
        return socket;
    }

    private async Task AcceptAsync(Socket listener, Func<Socket, Task> serve)
    {
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(_stop.Token);
                socket.NoDelay = true;
                _running.Add(serve(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The soak is over.
        }
    }

    private async Task ServePeerAsync(Socket socket)
    {
        try
        {
            await using var connection = await HboneEndpoint.AcceptAsync(
                socket, _certificate, _options, request => _running.Add(ServeAsync(request)), TimeProvider.System, _stop.Token);
            await connection.Completion.WaitAsync(_stop.Token);
        }
        catch (Exception e) when (e is TlsException or OperationCanceledException)
        {
            // A hostile peer, or the end.
        }
    }

    private async Task ServeAsync(ConnectRequest request)
    {
        var application = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await application.ConnectAsync(_application.LocalEndPoint!, _stop.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            application.Dispose();
            request.Refuse(503);
            return;
        }

        request.Accept();
        await TunnelCopy.RunAsync(request.Stream, application, socketIsClient: false, new NoCounters());
    }

    private async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                while (await EchoOnceAsync(socket))
                {
                    // Until the peer has ended its direction.
                }

                socket.Shutdown(SocketShutdown.Send);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Reset by the peer behind the tunnel.
            }
        }
    }

    // Waits before it rents, so that a silent connection costs nothing here.
    private async ValueTask<bool> EchoOnceAsync(Socket socket)
    {
        await socket.ReceiveAsync(Memory<byte>.Empty, _stop.Token);
        var buffer = ArrayPool<byte>.Shared.Rent(EchoLength);
        try
        {
            var read = await socket.ReceiveAsync(buffer, _stop.Token);
            await socket.SendAsync(buffer.AsMemory(0, read), _stop.Token);
            return read > 0;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void OnEnded(Http2Connection connection)
    {
        if (connection.Failure?.Code == Http2ErrorCode.EnhanceYourCalm)
        {
            Interlocked.Increment(ref _calmed);
        }
    }

    private sealed class NoCounters : ICopyCounters
    {
        public void AddReceived(long bytes)
        {
            // The peers count what they compare.
        }

        public void AddSent(long bytes)
        {
            // As above.
        }
    }
}
