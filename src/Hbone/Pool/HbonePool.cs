using System.Collections.Concurrent;
using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;
using Hbone.Tls.OpenSsl;

namespace Hbone.Pool;

/// <summary>
/// Outbound HBONE connections, shared by tunnels with the same key. A connection takes new tunnels again when old ones
/// end; callers that find none with room wait for one common attempt and all get its result, an error included.
/// </summary>
public sealed class HbonePool : IAsyncDisposable
{
    // A CONNECT that was refused, overtaken by GOAWAY or lost with an older connection is sent this often. Nothing of it
    // was processed, and if it was after all, no byte of the application has been sent.
    private const int MaxAttempts = 3;

    private const string DeadlineElapsed = "deadline has elapsed";

    private readonly ConcurrentDictionary<HbonePoolKey, PoolSlot> _slots = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly HbonePoolOptions _options;
    private readonly HboneEndpointOptions _endpoint;
    private readonly Func<HbonePoolKey, ReadOnlyMemory<HeaderField>, CancellationToken, ValueTask<IRecordCarrier>> _connect;
    private readonly Func<SpiffeId, CancellationToken, ValueTask<WorkloadCertificate>> _certificates;
    private readonly TimeProvider _time;
    private readonly ITimer _sweep;
    private long _unshared;
    private int _disposed;

    /// <summary>Creates an empty pool of connections on TCP.</summary>
    /// <param name="options">Limits.</param>
    /// <param name="endpoint">Parameters of the connections.</param>
    /// <param name="connect">Makes a TCP connection to the key's destination.</param>
    /// <param name="certificates">Gives the certificate of an identity.</param>
    /// <param name="time">Clock.</param>
    public HbonePool(
        HbonePoolOptions options,
        HboneEndpointOptions endpoint,
        Func<HbonePoolKey, CancellationToken, ValueTask<Socket>> connect,
        Func<SpiffeId, CancellationToken, ValueTask<WorkloadCertificate>> certificates,
        TimeProvider time)
        : this(
            options,
            endpoint,
            async (key, _, cancellationToken) => new SocketCarrier(await connect(key, cancellationToken)),
            certificates,
            time)
    {
    }

    /// <summary>Creates an empty pool of connections inside of other tunnels.</summary>
    /// <param name="options">Limits.</param>
    /// <param name="endpoint">Parameters of the connections.</param>
    /// <param name="open">
    /// Opens the key's outer tunnel, for a request that is the first of its connection; the tunnel ends with the connection.
    /// </param>
    /// <param name="certificates">Gives the certificate of an identity.</param>
    /// <param name="time">Clock.</param>
    public HbonePool(
        HbonePoolOptions options,
        HboneEndpointOptions endpoint,
        Func<HbonePoolKey, ReadOnlyMemory<HeaderField>, CancellationToken, ValueTask<HboneTunnel>> open,
        Func<SpiffeId, CancellationToken, ValueTask<WorkloadCertificate>> certificates,
        TimeProvider time)
        : this(
            options,
            endpoint,
            async (key, request, cancellationToken) => new StreamCarrier((await open(key, request, cancellationToken)).Stream),
            certificates,
            time)
    {
    }

    private HbonePool(
        HbonePoolOptions options,
        HboneEndpointOptions endpoint,
        Func<HbonePoolKey, ReadOnlyMemory<HeaderField>, CancellationToken, ValueTask<IRecordCarrier>> connect,
        Func<SpiffeId, CancellationToken, ValueTask<WorkloadCertificate>> certificates,
        TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        _options = options;
        _endpoint = endpoint;
        _connect = connect;
        _certificates = certificates;
        _time = time;
        var interval = options.UnusedReleaseTimeout / 4;
        _sweep = time.CreateTimer(static pool => ((HbonePool)pool!).Sweep(), this, interval, interval);
    }

    /// <summary>Sends a CONNECT on a shared connection and waits for its answer.</summary>
    /// <param name="key">Which connections will do.</param>
    /// <param name="headers">The request, pseudo headers first.</param>
    /// <param name="cancellationToken">Gives up; a request that was sent is reset.</param>
    /// <param name="patience">
    /// How long to wait for one connection, our certificate not included; a connection that takes longer is left to those
    /// who come later. Null for as long as the limits allow.
    /// </param>
    /// <exception cref="HboneException">It could not be opened; the type says at which step.</exception>
    public async ValueTask<HboneTunnel> OpenAsync(
        HbonePoolKey key,
        ReadOnlyMemory<HeaderField> headers,
        CancellationToken cancellationToken,
        TimeSpan? patience = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (connection, stream) = await SendAsync(key, headers, patience, cancellationToken);
            try
            {
                return await WaitAsync(connection, stream, cancellationToken);
            }
            catch (Http2Exception e) when (attempt < MaxAttempts && IsUnprocessed(e, stream))
            {
                // The next one joins another connection: this one is full, going away or gone.
            }
            catch (Http2Exception e)
            {
                throw new HboneProtocolException($"h2 failed: {e.Message}", e)
                {
                    IsUnprocessed = e.Code == Http2ErrorCode.RefusedStream,
                };
            }
        }
    }

    /// <summary>Whether there is an open connection that would do; one with no room counts too.</summary>
    public bool IsConnected(HbonePoolKey key) => _slots.TryGetValue(key, out var slot) && slot.HasOpen();

    /// <summary>Closes every connection, live tunnels included.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _sweep.DisposeAsync();
        await _stopping.CancelAsync();
        await Task.WhenAll(_slots.Values.Select(CloseAsync)); // each peer that does not answer takes its time
        _stopping.Dispose();
    }

    private static async Task CloseAsync(PoolSlot slot)
    {
        var pooled = await slot.RetireAsync();
        await Task.WhenAll(pooled.Select(p => p.Connection.DisposeAsync().AsTask()));
    }

    private async ValueTask<(Http2Connection Connection, Http2Stream Stream)> SendAsync(
        HbonePoolKey key, ReadOnlyMemory<HeaderField> headers, TimeSpan? patience, CancellationToken cancellationToken)
    {
        PooledConnection? made = null;
        var failed = 0;
        if (!_options.SharesConnections)
        {
            key = key with { Number = Interlocked.Increment(ref _unshared) };
        }

        while (true)
        {
            var slot = _slots.GetOrAdd(key, static _ => new PoolSlot());
            var (joined, attempt) = slot.Join(() => ConnectAsync(key, headers));
            if (attempt is not null)
            {
                ThrowIfHopeless(made, ref failed);
                try
                {
                    made = await (patience is { } limit
                        ? WaitAsync(attempt, key, limit, cancellationToken)
                        : attempt.WaitAsync(cancellationToken));
                }
                catch when (!_options.SharesConnections)
                {
                    _ = DrainAsync(attempt); // nobody else can use it
                    throw;
                }
            }
            else if (joined is null)
            {
                _slots.TryRemove(new(key, slot));
            }
            else if (TryOpen(slot, joined, headers.Span) is { } stream)
            {
                return (joined.Connection, stream);
            }
        }
    }

    private static async Task DrainAsync(Task<PooledConnection> attempt)
    {
        await ((Task)attempt).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (attempt.IsCompletedSuccessfully)
        {
            (await attempt).Connection.Drain();
        }
    }

    // RFC 9113 section 8.7 names the first; the second is a connection that was idle while its peer went away, which shows
    // only when it is used again.
    private static bool IsUnprocessed(Http2Exception failure, Http2Stream stream) =>
        failure.Code == Http2ErrorCode.RefusedStream
        || (failure is Http2ConnectionException { Code: Http2ErrorCode.ConnectError } && stream.Id > 1);

    // A server that refuses our certificate in TLS 1.3 does so when our side of the handshake is done: connections come
    // and go at once, as many as anybody asks for.
    private static void ThrowIfHopeless(PooledConnection? made, ref int failed)
    {
        if (made is { Connection.IsOpen: false } && ++failed >= MaxAttempts)
        {
            var failure = made.Connection.Failure
                ?? new Http2ConnectionException(Http2ErrorCode.NoError, "peer goes away before the first request");
            throw new HboneProtocolException($"h2 failed: {failure.Message}", failure) { IsUnprocessed = true };
        }
    }

    // The attempt waits for our certificate too, which is not the peer's fault.
    private async Task<PooledConnection> WaitAsync(
        Task<PooledConnection> attempt, HbonePoolKey key, TimeSpan patience, CancellationToken cancellationToken)
    {
        await _certificates(key.Source, cancellationToken);
        try
        {
            return await attempt.WaitAsync(patience, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Both may be over at once, and the attempt may have ended with a time-out of its own.
            if (attempt.IsCompleted)
            {
                return await attempt;
            }

            throw new HboneConnectException(DeadlineElapsed, new TimeoutException(DeadlineElapsed), timedOut: true);
        }
    }

    // A place that led to no stream is given back.
    private Http2Stream? TryOpen(PoolSlot slot, PooledConnection joined, ReadOnlySpan<HeaderField> headers)
    {
        Http2Stream? stream = null;
        try
        {
            stream = joined.Connection.TryOpen(headers, () => Leave(slot, joined));
            return stream;
        }
        finally
        {
            if (stream is null)
            {
                slot.Leave(joined);
            }
        }
    }

    private async ValueTask<HboneTunnel> WaitAsync(
        Http2Connection connection, Http2Stream stream, CancellationToken cancellationToken)
    {
        var answered = connection.WaitAnswerAsync(stream).AsTask();
        ConnectAnswer answer;
        try
        {
            answer = await answered.WaitAsync(_options.ResponseTimeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            stream.Reset(Http2ErrorCode.Cancel);
            await SettleAsync(answered);
            throw new HboneAnswerTimeoutException(
                $"no answer to CONNECT within {_options.ResponseTimeout.TotalSeconds:0.###} s");
        }
        catch (OperationCanceledException)
        {
            stream.Reset(Http2ErrorCode.Cancel);
            await SettleAsync(answered);
            throw;
        }

        if (answer.Status != 200)
        {
            stream.Reset(Http2ErrorCode.Cancel);
            throw new HboneStatusException(answer.Status);
        }

        return new HboneTunnel(stream, answer, connection.PeerIds);
    }

    // The reset has ended the wait.
    private static async Task SettleAsync(Task<ConnectAnswer> answered) =>
        await ((Task)answered).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private void Leave(PoolSlot slot, PooledConnection connection)
    {
        slot.Leave(connection);
        if (!_options.SharesConnections)
        {
            connection.Connection.Drain();
        }
    }

    private Task<PooledConnection> ConnectAsync(HbonePoolKey key, ReadOnlyMemory<HeaderField> request) =>
        _options.SharesConnections
            ? ConnectAsync(key, request, _options.MaxStreamsPerConnection)
            : ConnectUnsharedAsync(key, request);

    // Its slot is of no use to anybody else: it goes with the connection.
    private async Task<PooledConnection> ConnectUnsharedAsync(HbonePoolKey key, ReadOnlyMemory<HeaderField> request)
    {
        try
        {
            var made = await ConnectAsync(key, request, maxStreams: 1);
            made.Connection.Completion.GetAwaiter().UnsafeOnCompleted(() => _slots.TryRemove(key, out _));
            return made;
        }
        catch
        {
            _slots.TryRemove(key, out _);
            throw;
        }
    }

    private async Task<PooledConnection> ConnectAsync(
        HbonePoolKey key, ReadOnlyMemory<HeaderField> request, int maxStreams)
    {
        var certificate = await _certificates(key.Source, _stopping.Token);
        var carrier = await ConnectCarrierAsync(key, request);
        return new PooledConnection(await SecureAsync(carrier, key, certificate), maxStreams, _time);
    }

    private async Task<IRecordCarrier> ConnectCarrierAsync(HbonePoolKey key, ReadOnlyMemory<HeaderField> request)
    {
        try
        {
            return await _connect(key, request, _stopping.Token);
        }
        catch (TimeoutException e)
        {
            throw new HboneConnectException(e.Message, e, timedOut: true);
        }
        catch (SocketException e)
        {
            throw new HboneConnectException(e.Message, e, e.SocketErrorCode == SocketError.TimedOut);
        }
    }

    private async Task<Http2Connection> SecureAsync(
        IRecordCarrier carrier, HbonePoolKey key, WorkloadCertificate certificate)
    {
        try
        {
            return await HboneEndpoint.ConnectAsync(
                carrier, certificate, key.Expected, _endpoint, _time, _stopping.Token);
        }
        catch (Exception e) when (e is TlsException or SocketException)
        {
            throw new HboneTlsException(e.Message, e);
        }
    }

    private void Sweep()
    {
        foreach (var (key, slot) in _slots)
        {
            foreach (var unused in slot.TakeUnused(_options.UnusedReleaseTimeout))
            {
                unused.Connection.Drain();
            }

            if (slot.TryRetire())
            {
                _slots.TryRemove(new(key, slot));
            }
        }
    }
}
