using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.Recordings;

/// <summary>An HBONE server on port 15008 of a pod that keeps the frames of each connection.</summary>
/// <remarks>
/// It answers every CONNECT with 200 and sends the payload back, and the end after the peer's end.
/// </remarks>
internal sealed class HboneRecorder : IAsyncDisposable
{
    private const int Port = 15008;

    private readonly Socket _listener;
    private readonly Func<IPAddress, SslStreamCertificateContext> _certificateOf;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _mayAnswer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentQueue<RecorderConnection> _connections = [];
    private readonly ConcurrentQueue<Task> _serving = [];
    private readonly Task _accepting;

    private HboneRecorder(Socket listener, Func<IPAddress, SslStreamCertificateContext> certificateOf)
    {
        (_listener, _certificateOf) = (listener, certificateOf);
        _accepting = AcceptAsync();
    }

    /// <summary>The connections so far, in their order.</summary>
    public RecorderConnection[] Connections => [.. _connections];

    /// <summary>Begins to answer; until then connections are accepted and wait.</summary>
    public void Answer() => _mayAnswer.TrySetResult();

    /// <param name="pod">Where it listens, on all addresses.</param>
    /// <param name="certificateOf">The certificate for each address of the pod that is dialled.</param>
    public static HboneRecorder Start(Pod pod, Func<IPAddress, SslStreamCertificateContext> certificateOf) =>
        new(pod.Listen(Port), certificateOf);

    /// <summary>
    /// Makes sure by PINGs that everything is recorded that the peers have sent, then closes the connections and waits
    /// until the peers have closed theirs.
    /// </summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        foreach (var connection in Connections)
        {
            await connection.FinishAsync(cancellationToken);
        }

        await Task.WhenAll(_serving).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_serving);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                var local = ((IPEndPoint)socket.LocalEndPoint!).Address;
                var certificate = _certificateOf(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local);
                var connection = new RecorderConnection(socket, certificate);
                _connections.Enqueue(connection);
                _serving.Enqueue(ServeAsync(connection));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(RecorderConnection connection)
    {
        await using (connection)
        {
            await _mayAnswer.Task.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await connection.ServeAsync(_stop.Token);
        }
    }
}
