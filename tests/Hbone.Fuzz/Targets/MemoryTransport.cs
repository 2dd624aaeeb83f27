using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Fuzz.Targets;

/// <summary>How the input of a connection ends.</summary>
internal enum InputEnd
{
    /// <summary>As with close_notify.</summary>
    Orderly,

    /// <summary>As with a reset.</summary>
    Broken,

    /// <summary>Not at all: nothing more comes.</summary>
    Silent,
}

/// <summary>
/// A peer in memory that says a whole input, in pieces, and takes what is said to it, sometimes late.
/// Everything runs on
/// the thread that starts the connection, one step after the other.
/// </summary>
internal sealed class MemoryTransport(byte[] input, SequenceRandom random, InputEnd end, Action<int> step) : ITransport
{
    private const int StalledSteps = 4;

    private readonly int _longestPiece = random.OneIn(3) ? input.Length + 1 : 1 + random.Next(200);
    private readonly bool _stalls = random.OneIn(4);
    private readonly AsyncSignal _flushed = new();
    private readonly AsyncSignal _readable = new();
    private SequenceRandom _random = random;
    private int _position;
    private int _piece;
    private int _steps;
    private int _unsent;
    private int _stalledUntil;
    private bool _disposed;

    /// <summary>Everything that was written.</summary>
    public List<byte> Written { get; } = [];

    public IReadOnlyList<SpiffeId> PeerIds { get; } = [new("cluster.local", "default", "fuzz")];

    public bool HasPeerChain => false;

    public int Unsent => _unsent;

    public bool HasPeerRevokedBy(RevocationSet revocations) => false;

    public async ValueTask<int> WaitReadableAsync()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        step(_steps++);
        if (_steps >= _stalledUntil)
        {
            TakeWritten();
        }

        if (_position == input.Length && end == InputEnd.Silent && !_disposed)
        {
            await _readable.Arm();
        }

        ObjectDisposedException.ThrowIf(_disposed, this);
        _piece = Math.Min(input.Length - _position, 1 + _random.Next(_longestPiece));
        return 0;
    }

    public int TryRead(Span<byte> buffer)
    {
        if (_disposed)
        {
            throw new TlsException("connection closed");
        }

        var length = Math.Min(_piece, buffer.Length);
        if (length > 0)
        {
            input.AsSpan(_position, length).CopyTo(buffer);
            _position += length;
            _piece -= length;
            return length;
        }

        // The first wait comes before the first piece, and the last one before the end.
        return _steps == 0 || _position < input.Length || end == InputEnd.Silent
            ? ITransport.WouldBlock
            : end == InputEnd.Orderly ? 0 : throw new TlsException("connection reset by peer");
    }

    public void Write(ReadOnlySpan<byte> octets)
    {
        if (_disposed)
        {
            throw new TlsException("connection closed");
        }

        Written.AddRange(octets);
        _unsent += octets.Length;
    }

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        if (_unsent > 0 && _stalls && !_disposed && _random.OneIn(2))
        {
            _stalledUntil = _steps + 1 + _random.Next(StalledSteps);
            await _flushed.Arm();
            if (_disposed)
            {
                throw new SocketException((int)SocketError.OperationAborted);
            }
        }

        _unsent = 0;
    }

    public void WriteClose()
    {
        // The end has no octets here.
    }

    /// <summary>The peer takes everything in the end.</summary>
    public Task SayFarewellAsync(Task written, TimeSpan limit)
    {
        for (var i = 0; i < StalledSteps && !written.IsCompleted; i++)
        {
            TakeWritten();
        }

        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _disposed = true;
        TakeWritten();
        if (_readable.Disarm())
        {
            _readable.Fire();
        }
    }

    private void TakeWritten()
    {
        if (_flushed.Disarm())
        {
            _flushed.Fire();
        }
    }
}
