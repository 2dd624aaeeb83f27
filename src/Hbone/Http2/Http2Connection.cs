using System.Net.Sockets;
using Hbone.Http2.Hpack;
using Hbone.Memory;
using Hbone.Tls;

namespace Hbone.Http2;

/// <summary>
/// One HTTP/2 connection over mutual TLS in either role (RFC 9113), as far as CONNECT uses it. It reads in one loop and
/// writes in one; every field is guarded by <see cref="Gate"/>, which is never held while waiting or continuing a stream.
/// </summary>
public sealed partial class Http2Connection : IAsyncDisposable
{
    // One read gathers so many decrypted bytes before they are handed on: it is also the length of a send to the socket.
    private const int SegmentLength = 128 * 1024;

    // After so much without waiting, other sockets of this thread get their turn.
    private const int YieldAfter = 16 * 1024 * 1024;

    private readonly ITransport _transport;
    private readonly Http2Role _role;
    private readonly FrameReader _frames;
    private readonly WriteQueue _writes;
    private readonly HpackDecoder _decoder;
    private readonly HpackEncoder _encoder = new();
    private readonly Dictionary<int, Http2Stream> _streams = [];
    private readonly List<AsyncSignal> _toFire = [];
    private readonly List<ConnectRequest> _newRequests = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly KeepAlive _keepAlive;
    private readonly ITimer _settingsLimit;
    private readonly AbuseLimits _abuse;
    private readonly MemoryBudget _memory;
    private Task _reading = Task.CompletedTask;
    private Task _closing = Task.CompletedTask;
    private Http2ConnectionException? _failure;
    private bool _draining;
    private bool _drainAnnounced;

    internal Http2Connection(ITransport transport, Http2Role role, MemoryBudget memory, TimeProvider time)
    {
        _transport = transport;
        _role = role;
        _frames = new FrameReader(this, role.Options.MaxFrameSize);
        _writes = new WriteQueue(transport, Gate, OnDequeued, OnTransportBroken);
        _decoder = new HpackDecoder(PeerSettings.Initial.HeaderTableSize, role.MaxHeaderListSize);
        _memory = memory.OpenConnection(role.Options.ConnectionMemory - Reserve);
        _receiveWindow = role.Options.OfferedConnectionWindow;
        _streamWindow = role.Options.StreamWindowSize;
        _prefaceLeft = role.IsServer ? Preface.Length : 0;
        _abuse = new AbuseLimits(time);
        _keepAlive = new KeepAlive(time, SendPing, OnPingTimeout, OnTick);
        _settingsLimit = time.CreateTimer(
            static connection => ((Http2Connection)connection!).OnSettingsTimeout(),
            this,
            role.Options.SettingsTimeout,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Completes when the connection is over and its socket closed; never fails.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Why the connection ended, and which side's fault it was; null while it lives.</summary>
    public Http2ConnectionException? Failure
    {
        get
        {
            lock (Gate)
            {
                return _failure;
            }
        }
    }

    /// <summary>Payload bytes that this connection holds.</summary>
    public long MemoryUsed => _memory.Used;

    /// <summary>Streams that are not over.</summary>
    public int ActiveStreams
    {
        get
        {
            lock (Gate)
            {
                return _streams.Count;
            }
        }
    }

    /// <summary>Whether a request may still be sent here.</summary>
    public bool IsOpen
    {
        get
        {
            lock (Gate)
            {
                // Identifiers are never used twice, and a tunnel that is going away takes everything inside along.
                return _failure is null && !_draining && _nextStreamId > 0 && _transport.IsLasting;
            }
        }
    }

    /// <summary>Streams that the peer lets us open; null until its SETTINGS have come.</summary>
    internal int? PeerMaxStreams
    {
        get
        {
            lock (Gate)
            {
                return _settingsReceived ? _peer.MaxConcurrentStreams : null;
            }
        }
    }

    /// <summary>SPIFFE IDs of the peer's certificate, in order.</summary>
    public IReadOnlyList<SpiffeId> PeerIds => _transport.PeerIds;

    /// <summary>Payload bytes that wait for the peer to read.</summary>
    internal long QueuedBytes
    {
        get
        {
            lock (Gate)
            {
                return _sendQueued;
            }
        }
    }

    /// <summary>Whether more payload may be queued now: neither the queue nor the connection's window is used up.</summary>
    internal bool CanQueueMore
    {
        get
        {
            lock (Gate)
            {
                return CanSend;
            }
        }
    }

    /// <summary>Whether the peer has begun a header block and not ended it.</summary>
    internal bool IsInsideHeaderBlock
    {
        get
        {
            lock (Gate)
            {
                return _frames.IsInsideHeaderBlock;
            }
        }
    }

    /// <summary>Called once, when the connection is over. Must not throw.</summary>
    internal Action<Http2Connection>? Ended { get; init; }

    internal Lock Gate { get; } = new();

    /// <summary>What the payload buffers of this connection count against.</summary>
    internal MemoryBudget Memory => _memory;

    internal void Start()
    {
        bool write;
        lock (Gate)
        {
            if (!_role.IsServer)
            {
                _writes.AppendRaw(Preface);
            }

            AppendSettings();
            write = _writes.TryClaim();
        }

        RunWrites(write);
        _reading = ReadAsync();
    }

    private async Task ReadAsync()
    {
        var input = new ReceiveBuffer(SegmentLength, _memory);
        try
        {
            var sinceYield = 0;
            while (true)
            {
                var state = Fill(input, out var broken);
                sinceYield += input.Unread;
                Process(input);
                if (broken is not null)
                {
                    OnTransportBroken(broken);
                    return;
                }

                if (state == ITransport.WouldBlock)
                {
                    input.ReleaseIfEmpty();
                    FlushTransport();
                    if (!_transport.IsLasting)
                    {
                        Drain();
                    }

                    await _transport.WaitReadableAsync();
                }
                else if (sinceYield >= YieldAfter)
                {
                    sinceYield = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Http2ConnectionException e)
        {
            Abort(e, Farewell.Brief);
        }
        catch (Exception e) when (e is TlsException or SocketException or ObjectDisposedException)
        {
            OnTransportBroken(e);
        }
        finally
        {
            input.Release();
        }
    }

    // Decrypts until the buffer is full or nothing whole is there. The end of the connection is told beside what came
    // before it.
    private int Fill(ReceiveBuffer input, out TlsException? broken)
    {
        broken = null;
        while (true)
        {
            var free = input.Free();
            if (free.IsEmpty)
            {
                return 1;
            }

            int read;
            try
            {
                read = _transport.TryRead(free);
            }
            catch (TlsException e)
            {
                broken = e;
                return 0;
            }

            if (read <= 0)
            {
                broken = read == 0 ? new TlsException("connection closed by peer") : null;
                return read;
            }

            input.Advance(read);
            _keepAlive.Heard();
        }
    }

    private void Process(ReceiveBuffer input)
    {
        var write = false;
        List<Http2Stream>? closed = null;
        try
        {
            lock (Gate)
            {
                try
                {
                    if (_failure is not null)
                    {
                        input.Discard();
                    }
                    else
                    {
                        ConsumePreface(input);
                        input.Consume(_frames);
                        _writes.ThrowIfFlooded();
                    }
                }
                finally
                {
                    write = _writes.TryClaim();
                    closed = TakeClosed();
                }
            }
        }
        finally
        {
            FireCollected();
            RunWrites(write);
            TellClosed(closed);
        }

        if (_draining)
        {
            CloseIfDrained();
        }
    }

    private void FireCollected()
    {
        for (var i = 0; i < _toFire.Count; i++)
        {
            _toFire[i].Fire();
        }

        _toFire.Clear();
        for (var i = 0; i < _newRequests.Count; i++)
        {
            _role.Serve!(_newRequests[i]);
        }

        _newRequests.Clear();
    }

    private void TellClosed(List<Http2Stream>? closed)
    {
        if (closed is null)
        {
            return;
        }

        foreach (var stream in closed)
        {
            stream.TellClosed();
        }

        CloseIfDrained();
    }

    private void RunWrites(bool claimed)
    {
        if (claimed)
        {
            _writes.Run();
        }
    }

    // TLS itself may have something to say: a key update, an alert.
    private void FlushTransport()
    {
        if (_transport.Unsent == 0)
        {
            return;
        }

        bool write;
        lock (Gate)
        {
            write = _writes.TryClaim();
        }

        RunWrites(write);
    }
}
