using System.Buffers;
using System.Runtime.InteropServices;
using Hbone.Http2;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// One TLS session over one connected socket, or inside of one stream of another tunnel, which it owns. Reading is
/// synchronous and never blocks: wait with <see cref="WaitReadableAsync"/>, then <see cref="TryRead"/> until it would
/// block. Writing encrypts into a batch that <see cref="FlushAsync"/> sends with one system call.
/// </summary>
/// <remarks>One reader, one writer, on any threads: OpenSSL's own state is guarded by a lock held for one record.</remarks>
internal sealed class TlsConnection : ITransport
{
    private const int RecordPayload = 16 * 1024;
    private const int RecordOverhead = 5 + 1 + 16;

    private readonly Lock _gate = new();
    private readonly IRecordCarrier _carrier;
    private readonly ByteBatch _records;
    private readonly PeerVerification _verification;
    private readonly GCHandle _recordsHandle;
    private readonly TlsContext _context;
    private nint _ssl;
    private bool _broken;

    private TlsConnection(IRecordCarrier carrier, TlsContext context, PeerVerification verification, bool server)
    {
        _carrier = carrier;
        _context = context;
        _verification = verification;
        _records = new ByteBatch(carrier.HeadRoom);
        _recordsHandle = GCHandle.Alloc(_records);
        var added = false;
        context.DangerousAddRef(ref added);
        _ssl = Native.SSL_new(context.DangerousGetHandle());
        ErrorQueue.ThrowUnless(_ssl != 0, "TLS session");
        Native.SSL_set_bio(_ssl, carrier.CreateInput(), OutputBio.Create(_recordsHandle));
        verification.AttachTo(_ssl);
        if (server)
        {
            Native.SSL_set_accept_state(_ssl);
        }
        else
        {
            Native.SSL_set_connect_state(_ssl);
        }
    }

    /// <summary>SPIFFE IDs of the peer's leaf, in order.</summary>
    public IReadOnlyList<SpiffeId> PeerIds => _verification.PeerIds;

    /// <summary>Whether the peer's verified chain is known. OpenSSL keeps it with the session.</summary>
    public bool HasPeerChain
    {
        get
        {
            lock (_gate)
            {
                return PeerChain.IsPresent;
            }
        }
    }

    /// <inheritdoc/>
    public bool IsLasting => _carrier.IsLasting;

    /// <summary>Encrypted bytes that wait for <see cref="FlushAsync"/>.</summary>
    public int Unsent => _records.Length;

    /// <summary>Runs the handshake. Takes the carrier over: on failure it is closed.</summary>
    /// <param name="carrier">A connected socket, or an open tunnel.</param>
    /// <param name="context">Our certificate, trust and role.</param>
    /// <param name="server">Whether we accepted the connection.</param>
    /// <param name="verification">What the peer has to be, used for this connection alone.</param>
    /// <param name="timeout">Limit for the whole handshake.</param>
    /// <param name="time">Clock of the limit.</param>
    /// <param name="cancellationToken">Gives the handshake up.</param>
    /// <exception cref="TlsException">The peer was refused, refused us, spoke no TLS or took too long.</exception>
    public static async Task<TlsConnection> AuthenticateAsync(
        IRecordCarrier carrier,
        TlsContext context,
        bool server,
        PeerVerification verification,
        TimeSpan timeout,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var connection = new TlsConnection(carrier, context, verification, server);
        using var late = new CancellationTokenSource(timeout, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, late.Token);
        try
        {
            await connection.HandshakeAsync(limit.Token);
            verification.ForgetRevocations();
            return connection;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            connection.Dispose();
            throw new TlsException($"handshake not finished within {timeout.TotalSeconds:0.###} s");
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Whether these lists revoke a certificate of the peer's verified chain; false once disposed.</summary>
    public bool HasPeerRevokedBy(RevocationSet revocations)
    {
        lock (_gate)
        {
            return PeerChain.IsRevokedBy(revocations);
        }
    }

    /// <summary>Completes when the carrier has something to read, or has ended. Holds no buffer meanwhile.</summary>
    public ValueTask<int> WaitReadableAsync() => _carrier.WaitReadableAsync();

    /// <summary>Decrypts at most one record into the buffer.</summary>
    /// <returns>Bytes read; 0 after the peer's close_notify; <see cref="ITransport.WouldBlock"/> when there is no whole record.</returns>
    /// <exception cref="TlsException">The connection ended without close_notify, was reset, or a record is bad.</exception>
    public int TryRead(Span<byte> buffer)
    {
        while (true)
        {
            var read = ReadRecord(buffer);
            if (read != ITransport.WouldBlock || !_carrier.TryRefill())
            {
                return read;
            }
        }
    }

    /// <summary>Encrypts the bytes into the batch; they are not kept.</summary>
    /// <exception cref="TlsException">The session is broken or closed.</exception>
    public unsafe void Write(ReadOnlySpan<byte> plaintext)
    {
        while (!plaintext.IsEmpty)
        {
            var chunk = plaintext[..Math.Min(plaintext.Length, RecordPayload)];
            lock (_gate)
            {
                if (_ssl == 0 || _broken)
                {
                    throw new TlsException("connection closed");
                }

                _records.Reserve(plaintext.Length + ((plaintext.Length / RecordPayload) + 1) * RecordOverhead);
                fixed (byte* start = chunk)
                {
                    Native.ERR_clear_error();
                    var written = Native.SSL_write(_ssl, start, chunk.Length);
                    if (written != chunk.Length)
                    {
                        throw Broken(Native.SSL_get_error(_ssl, written));
                    }
                }
            }

            plaintext = plaintext[chunk.Length..];
        }
    }

    /// <summary>Sends the batch. One caller at a time.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">The peer reset or closed the connection.</exception>
    /// <exception cref="TlsException">The outer tunnel is over.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        byte[]? batch;
        int length;
        lock (_gate)
        {
            batch = _records.Take(out length);
        }

        if (batch is null)
        {
            return;
        }

        try
        {
            await _carrier.SendAsync(batch, length, cancellationToken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(batch);
        }
    }

    /// <summary>Puts close_notify (RFC 8446 section 6.1) into the batch. Reading goes on.</summary>
    public void WriteClose()
    {
        lock (_gate)
        {
            if (_ssl != 0 && !_broken)
            {
                Native.ERR_clear_error();
                _ = Native.SSL_shutdown(_ssl);
            }
        }
    }

    /// <inheritdoc/>
    public Task SayFarewellAsync(Task written, TimeSpan limit) => _carrier.SayFarewellAsync(written, limit);

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ssl == 0)
            {
                return;
            }

            Native.SSL_free(_ssl);
            _ssl = 0;
            if (_records.Take(out _) is { } unsent)
            {
                ArrayPool<byte>.Shared.Return(unsent);
            }
        }

        _context.DangerousRelease();
        _recordsHandle.Free();
        _verification.Dispose();
        _carrier.Dispose();
    }

    // Under the gate.
    private VerifiedChain PeerChain => new(_ssl == 0 ? 0 : Native.SSL_get0_verified_chain(_ssl));

    private unsafe int ReadRecord(Span<byte> buffer)
    {
        lock (_gate)
        {
            if (_ssl == 0)
            {
                throw new TlsException("connection closed");
            }

            fixed (byte* start = buffer)
            {
                Native.ERR_clear_error();
                var read = Native.SSL_read(_ssl, start, buffer.Length);
                if (read > 0)
                {
                    return read;
                }

                return Native.SSL_get_error(_ssl, read) switch
                {
                    Native.ErrorWantRead => ITransport.WouldBlock,
                    Native.ErrorZeroReturn => 0,
                    var error => throw Broken(error),
                };
            }
        }
    }

    private async Task HandshakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (done, failure) = AdvanceHandshake();

            // A refusal leaves an alert in the batch: the peer is to learn of it.
            await FlushAsync(cancellationToken);
            if (failure is not null)
            {
                throw failure;
            }

            if (done)
            {
                return;
            }

            if (!_carrier.TryRefill())
            {
                await _carrier.WaitReadableAsync(cancellationToken);
            }
        }
    }

    private (bool Done, TlsException? Failure) AdvanceHandshake()
    {
        lock (_gate)
        {
            Native.ERR_clear_error();
            var result = Native.SSL_do_handshake(_ssl);
            if (result == 1)
            {
                return (true, null);
            }

            var error = Native.SSL_get_error(_ssl, result);
            return error == Native.ErrorWantRead ? (false, null) : (false, HandshakeFailure(error));
        }
    }

    private TlsException HandshakeFailure(int error)
    {
        _broken = true;
        if (_verification.Failure is { } refusal)
        {
            return new TlsException($"invalid peer certificate: {refusal}");
        }

        var verified = Native.SSL_get_verify_result(_ssl);
        if (verified != 0)
        {
            return new TlsException($"invalid peer certificate: {VerifyResult.Describe((int)verified)}")
            {
                IsPeerRevoked = verified == Native.VerifyErrorRevoked,
            };
        }

        return Failed(error, "tls handshake eof");
    }

    private TlsException Broken(int error)
    {
        _broken = true;
        return Failed(error, "peer closed connection without sending TLS close_notify");
    }

    private TlsException Failed(int error, string atEnd)
    {
        if (error == Native.ErrorSyscall)
        {
            return _carrier.ReadFailure;
        }

        var reason = ErrorQueue.Take(atEnd);
        return new TlsException(reason == ErrorQueue.UnexpectedEof ? atEnd : reason);
    }
}
