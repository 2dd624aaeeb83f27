namespace Ztunnel.Proxy;

/// <summary>
/// The two phases of a stop: <see cref="Started"/> accepts nothing new and lets connections finish, <see cref="Forced"/>
/// ends what is left.
/// </summary>
internal sealed class Drain : IDisposable
{
    private readonly CancellationTokenSource _started = new();
    private readonly CancellationTokenSource _forced = new();

    /// <summary>Fires when nothing new may begin.</summary>
    public CancellationToken Started => _started.Token;

    /// <summary>Fires when everything has to end.</summary>
    public CancellationToken Forced => _forced.Token;

    /// <summary>Begins the first phase; a second call does nothing.</summary>
    public Task StartAsync() => _started.CancelAsync();

    /// <summary>Begins the second phase.</summary>
    public Task ForceAsync() => _forced.CancelAsync();

    /// <inheritdoc/>
    public void Dispose()
    {
        _started.Dispose();
        _forced.Dispose();
    }
}
