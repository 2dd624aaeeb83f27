using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

/// <summary>
/// A peer in memory. Whatever it says is worked off by the connection on the thread of <see cref="Say"/> before that
/// returns, so that this thread's cost is the connection's. It takes what is said to it and only counts it.
/// </summary>
internal sealed class InlinePeer : ITransport
{
    // Never so much that the connection's buffer is full: after many full ones it lets other connections have its thread.
    private const int Piece = 16 * 1024;

    private readonly AsyncSignal _readable = new();
    private readonly TaskCompletionSource _taken = new();
    private ReadOnlyMemory<byte> _input;
    private int _piece;
    private bool _disposed;

    public IReadOnlyList<SpiffeId> PeerIds { get; } = [new("cluster.local", "default", "inline")];

    public bool HasPeerChain => false;

    public int Unsent { get; private set; }

    /// <summary>Whether it takes nothing, so that everything said to it waits.</summary>
    public bool IsDeaf { get; init; }

    /// <summary>Where what it hears is kept, if anywhere: that costs memory too.</summary>
    public MemoryStream? Record { get; init; }

    /// <summary>Octets that the connection sent.</summary>
    public long Heard { get; private set; }

    /// <summary>Starts a connection on the calling thread, and keeps it off the test's own context.</summary>
    public static void Start(Http2Connection connection) => RunInline(connection.Start);

    /// <summary>Says octets; not after the connection has ended.</summary>
    public void Say(params byte[][] pieces)
    {
        Assert.True(_input.IsEmpty, "the connection has not read everything");
        _input = pieces is [var one] ? one : (byte[])[.. pieces.SelectMany(piece => piece)];
        if (_readable.Disarm())
        {
            RunInline(_readable.Fire);
        }
    }

    public bool HasPeerRevokedBy(RevocationSet revocations) => false;

    public async ValueTask<int> WaitReadableAsync()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_input.IsEmpty)
        {
            await _readable.Arm();
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        _piece = Math.Min(_input.Length, Piece);
        return 0;
    }

    public int TryRead(Span<byte> buffer)
    {
        if (_disposed)
        {
            throw new TlsException("connection closed");
        }

        var length = Math.Min(_piece, buffer.Length);
        if (length == 0)
        {
            return ITransport.WouldBlock;
        }

        _input.Span[..length].CopyTo(buffer);
        _input = _input[length..];
        _piece -= length;
        return length;
    }

    public void Write(ReadOnlySpan<byte> octets)
    {
        if (_disposed)
        {
            throw new TlsException("connection closed");
        }

        Record?.Write(octets);
        Heard += octets.Length;
        Unsent += octets.Length;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        if (IsDeaf)
        {
            return new ValueTask(_taken.Task);
        }

        Unsent = 0;
        return ValueTask.CompletedTask;
    }

    public void WriteClose()
    {
        // The end has no octets here.
    }

    public Task SayFarewellAsync(Task written, TimeSpan limit) => Task.CompletedTask;

    public void Dispose()
    {
        _disposed = true;
        _taken.TrySetException(new TlsException("connection closed"));
        _ = _taken.Task.Exception; // observed: often nobody waits
        if (_readable.Disarm())
        {
            RunInline(_readable.Fire);
        }
    }

    // Awaits would go back to the test's own context, which is another thread.
    private static void RunInline(Action action)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            action();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}
