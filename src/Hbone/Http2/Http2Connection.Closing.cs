using System.Globalization;

namespace Hbone.Http2;

/// <summary>The ways in which a connection ends: drained, closed by us, broken, given up.</summary>
public sealed partial class Http2Connection
{
    /// <summary>
    /// Lets live streams finish and then closes. A client opens no more; a server announces it and takes what is on its way
    /// until the peer has heard (RFC 9113 section 6.8).
    /// </summary>
    public void Drain()
    {
        bool write;
        var toFire = new List<AsyncSignal>();
        lock (Gate)
        {
            if (_failure is not null || _draining || _drainAnnounced)
            {
                return;
            }

            if (_role.IsServer)
            {
                _drainAnnounced = true;
                AppendGoAway(Http2ErrorCode.NoError, int.MaxValue); // nothing is refused yet
                AppendPing(DrainPing);
            }
            else
            {
                _draining = true;
                AppendGoAway(Http2ErrorCode.NoError);
                TellGoingAway(toFire);
            }

            write = _writes.TryClaim();
        }

        Fire(toFire);
        RunWrites(write);
        CloseIfDrained();
    }

    /// <summary>Ends every stream and the connection for a reason that the peer is told in GOAWAY.</summary>
    /// <param name="code">What it is told.</param>
    /// <param name="reason">For our own log, and the errors of the streams.</param>
    public void Close(Http2ErrorCode code, string reason) =>
        Abort(new Http2ConnectionException(code, reason), Farewell.Brief);

    /// <summary>Ends every stream and the connection; GOAWAY is tried.</summary>
    public async ValueTask DisposeAsync()
    {
        Abort(new Http2ConnectionException(Http2ErrorCode.NoError, "connection closed by us"), Farewell.Brief);
        try
        {
            await Completion.WaitAsync(Farewell.Brief);
        }
        catch (TimeoutException)
        {
            _transport.Dispose(); // cuts short what was begun patiently
            await Completion;
        }

        await _closing;
    }

    private void OnTransportBroken(Exception e) => Abort(
        e.InnerException is Http2ConnectionException { IsPeerRevoked: true }
            ? Revoked(e) // the peer of the tunnel outside
            : new Http2ConnectionException(Http2ErrorCode.ConnectError, $"connection broken: {e.Message}", e),
        Farewell.None);

    // Under the gate: what runs inside of our streams must not begin anything new.
    private void TellGoingAway(List<AsyncSignal> toFire)
    {
        foreach (var stream in _streams.Values)
        {
            stream.TellGoingAway(toFire);
        }
    }

    private void OnSettingsTimeout()
    {
        lock (Gate)
        {
            if (_settingsReceived)
            {
                return;
            }
        }

        var limit = _role.Options.SettingsTimeout.TotalSeconds;
        Abort(
            new Http2ConnectionException(
                Http2ErrorCode.SettingsTimeout,
                string.Create(CultureInfo.InvariantCulture, $"no preface and SETTINGS within {limit:0.###} s")),
            Farewell.Brief);
    }

    private void OnPingTimeout() => Abort(
        new Http2ConnectionException(Http2ErrorCode.NoError, "HBONE ping timeout: the peer does not answer")
        {
            IsPingTimeout = true,
        },
        Farewell.Brief);

    // Ends everything; the farewell is how long GOAWAY and what was written before it may take to leave.
    private void Abort(Http2ConnectionException failure, TimeSpan farewell)
    {
        var tell = farewell > Farewell.None;
        var toFire = new List<AsyncSignal>();
        List<Http2Stream> closed;
        bool write;
        lock (Gate)
        {
            if (_failure is not null)
            {
                return;
            }

            _failure = failure;
            closed = [.. _streams.Values];
            foreach (var stream in _streams.Values)
            {
                stream.Fail(failure, dropReceived: false, toFire);
                ReleaseHeld(stream);
            }

            _streams.Clear();
            _blocked.Clear();
            _writes.Stop(toFire);
            if (tell)
            {
                AppendGoAway(failure.Code);
            }
            else
            {
                _writes.Discard();
            }

            write = tell && _writes.ClaimFarewell();
        }

        foreach (var signal in toFire)
        {
            signal.Fire();
        }

        RunWrites(write);
        _closing = CloseAsync(farewell);
        TellClosed(closed);
    }

    private async Task CloseAsync(TimeSpan farewell)
    {
        await _settingsLimit.DisposeAsync();
        await _keepAlive.DisposeAsync();
        if (farewell > Farewell.None)
        {
            await _transport.SayFarewellAsync(_writes.Finished, farewell);
        }

        _transport.Dispose();
        await _reading;
        _memory.CloseConnection();
        Ended?.Invoke(this);
        _completion.TrySetResult();
    }

    private void CloseIfDrained()
    {
        lock (Gate)
        {
            if (!_draining || _streams.Count > 0 || _failure is not null)
            {
                return;
            }
        }

        Abort(new Http2ConnectionException(Http2ErrorCode.NoError, "connection drained"), Farewell.AfterDrain);
    }
}
