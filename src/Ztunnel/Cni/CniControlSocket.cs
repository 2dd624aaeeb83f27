using System.Net.Sockets;

namespace Ztunnel.Cni;

/// <summary>Serves <see cref="CniControl"/> at a Unix stream socket that only its owner may connect to.</summary>
internal sealed class CniControlSocket : IAsyncDisposable
{
    private const int Backlog = 16;
    private const int MostClients = 64;

    private readonly Socket _listener;
    private readonly CniControl _control;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _free = new(MostClients);
    private readonly Task _accepting;

    private CniControlSocket(Socket listener, CniControl control)
    {
        _listener = listener;
        _control = control;
        _accepting = AcceptAsync();
    }

    /// <summary>Listens. A stale socket at the path is replaced.</summary>
    /// <exception cref="IOException">The path is in use.</exception>
    /// <exception cref="SocketException">One cannot listen there.</exception>
    public static async Task<CniControlSocket> StartAsync(
        string path, CniControl control, CancellationToken cancellationToken)
    {
        await SocketFile.RemoveStaleAsync(path, SocketType.Stream, cancellationToken);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            SocketFile.LimitToOwner(path);
            listener.Listen(Backlog);
            return new CniControlSocket(listener, control);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
        {
            return;
        }

        await _stop.CancelAsync();
        await _accepting;
        _stop.Dispose();
        _free.Dispose();
    }

    private async Task AcceptAsync()
    {
        using var listener = _listener;
        List<Task> clients = [];
        try
        {
            while (true)
            {
                await _free.WaitAsync(_stop.Token);
                clients.RemoveAll(client => client.IsCompletedSuccessfully);
                clients.Add(ServeAsync(await listener.AcceptAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The one way out.
        }

        await Task.WhenAll(clients);
    }

    private async Task ServeAsync(Socket client)
    {
        await using var stream = new NetworkStream(client, ownsSocket: true);
        try
        {
            await _control.RunAsync(stream, stream, _stop.Token);
        }
        catch (IOException)
        {
            // It went without reading the answer.
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Clients are cut when the server stops.
        }
        finally
        {
            _free.Release();
        }
    }
}
