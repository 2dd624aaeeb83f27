using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Tests;

/// <summary>An HBONE server on loopback that hands every request to the test. Counts its connections.</summary>
internal sealed class HboneServer : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentBag<Http2Connection> _connections = [];
    private readonly ConcurrentBag<Exception> _failures = [];
    private readonly WorkloadCertificate _certificate;
    private readonly Action<ConnectRequest> _serve;
    private readonly HboneEndpointOptions _options;
    private readonly TimeProvider _time;
    private readonly Task _accepting;
    private int _accepted;

    public HboneServer(
        WorkloadCertificate certificate,
        Action<ConnectRequest> serve,
        HboneEndpointOptions? options = null,
        TimeProvider? time = null)
    {
        _certificate = certificate;
        _serve = serve;
        _time = time ?? TimeProvider.System;
        _options = options ?? new HboneEndpointOptions();
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        Address = (IPEndPoint)_listener.LocalEndPoint!;
        _accepting = AcceptAsync();
    }

    public IPEndPoint Address { get; }

    /// <summary>TCP connections that were accepted, living or not.</summary>
    public int Established => Volatile.Read(ref _accepted);

    /// <summary>Connections that live, those in their handshake too.</summary>
    public int Alive => Established - _failures.Count - _connections.Count(c => c.Completion.IsCompleted);

    /// <summary>Handshakes that failed.</summary>
    public IReadOnlyCollection<Exception> Failures => _failures;

    /// <summary>Connections whose handshake is done; a request may be served a moment before its connection is here.</summary>
    public IReadOnlyCollection<Http2Connection> Connections => _connections;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _accepting;
        foreach (var connection in _connections)
        {
            await connection.DisposeAsync();
        }
    }

    private async Task AcceptAsync()
    {
        var handshakes = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync();
                socket.NoDelay = true;
                Interlocked.Increment(ref _accepted);
                handshakes.Add(SecureAsync(socket));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }

        await Task.WhenAll(handshakes);
    }

    private async Task SecureAsync(Socket socket)
    {
        try
        {
            _connections.Add(await HboneEndpoint.AcceptAsync(
                socket, _certificate, _options, _serve, _time, CancellationToken.None));
        }
        catch (Exception e) when (e is TlsException or SocketException)
        {
            _failures.Add(e);
        }
    }
}
