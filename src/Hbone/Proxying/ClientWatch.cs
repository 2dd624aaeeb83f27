using System.Net.Sockets;

namespace Hbone.Proxying;

/// <summary>
/// Notices that the application has reset its connection while nobody reads from it yet, because the tunnel that it is for
/// is still being opened. A half-closed connection is not gone.
/// </summary>
public sealed class ClientWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly Socket _socket;
    private readonly CancellationTokenSource _gone;
    private readonly ITimer _timer;
    private int _disposed;

    /// <summary>Starts to watch.</summary>
    /// <param name="socket">The application's connection; not owned.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellationToken">Fires <see cref="Gone"/> too.</param>
    public ClientWatch(Socket socket, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(time);
        _socket = socket;
        _gone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _timer = time.CreateTimer(static watch => ((ClientWatch)watch!).Look(), this, Interval, Interval);
    }

    /// <summary>What a client that has gone is reported as.</summary>
    public static SocketException Reset => new((int)SocketError.ConnectionReset);

    /// <summary>Fires when the connection does not exist any more.</summary>
    public CancellationToken Gone => _gone.Token;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            await _timer.DisposeAsync(); // after this nobody looks any more
            _gone.Dispose();
        }
    }

    private void Look()
    {
        if (SocketReset.IsGone(_socket))
        {
            _gone.Cancel();
        }
    }
}
