using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>
/// The current certificate of one identity and the loop that renews it. Replaced certificates are not disposed:
/// connections that were opened with them go on using them.
/// </summary>
internal sealed class ManagedCertificate : IAsyncDisposable
{
    /// <summary>Longest sleep, so that a clock that jumps is noticed.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromHours(1);

    /// <summary>A connection that is refused during a long backoff brings the next attempt forward to this.</summary>
    private static readonly TimeSpan DemandInterval = TimeSpan.FromSeconds(10);

    private readonly SpiffeId _identity;
    private readonly ICertificateAuthority _authority;
    private readonly CallQueue _calls;
    private readonly CertificateManagerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateManager> _logger;
    private readonly Action<ManagedCertificate> _unused;
    private readonly RenewalSchedule _schedule = new();
    private readonly CancellationTokenSource _forgotten = new();
    private readonly Lock _lock = new();
    private readonly Task _loop;

    // Guarded by _lock. _current is also read without it.
    private WorkloadCertificate? _current;
    private string? _error;
    private TaskCompletionSource<WorkloadCertificate> _attempt = NewSource<WorkloadCertificate>();
    private TaskCompletionSource<bool> _wake = NewSource<bool>();
    private CallPriority _priority;
    private CallTicket? _ticket;
    private Demand _demand;

    // Of the loop: the failure that was logged last, none after a success.
    private (bool HasCertificate, string Reason)? _failure;

    // Any thread; a late view does no harm.
    private volatile bool _usedSinceIssued;
    private volatile bool _keepUnused;

    /// <summary>Starts the first attempt.</summary>
    /// <param name="identity">Whose certificate.</param>
    /// <param name="priority">Of the first attempt.</param>
    /// <param name="authority">Who signs.</param>
    /// <param name="calls">Whose turn it is.</param>
    /// <param name="options">Limits.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Of the owner.</param>
    /// <param name="unused">Told instead of renewing what nobody uses; it removes and disposes this.</param>
    public ManagedCertificate(
        SpiffeId identity,
        CallPriority priority,
        ICertificateAuthority authority,
        CallQueue calls,
        CertificateManagerOptions options,
        TimeProvider time,
        ILogger<CertificateManager> logger,
        Action<ManagedCertificate> unused)
    {
        _identity = identity;
        _priority = priority;
        _authority = authority;
        _calls = calls;
        _options = options;
        _time = time;
        _logger = logger;
        _unused = unused;
        _loop = RunAsync(_forgotten.Token);
    }

    /// <summary>When a connection wants the next attempt to be.</summary>
    private enum Demand
    {
        /// <summary>As scheduled.</summary>
        None,

        /// <summary>A connection was refused.</summary>
        Soon,

        /// <summary>A connection waits.</summary>
        Now,
    }

    /// <summary>Whose certificate.</summary>
    public SpiffeId Identity => _identity;

    /// <summary>State for the config dump.</summary>
    public CertificateEntry Entry
    {
        get
        {
            lock (_lock)
            {
                return IsValid(_current)
                    ? new CertificateEntry(_identity, _current, null)
                    : new CertificateEntry(_identity, null, _error);
            }
        }
    }

    /// <summary>The valid certificate, else the stored error, else the outcome of the attempt under way.</summary>
    public ValueTask<WorkloadCertificate> FetchAsync(CancellationToken cancellationToken)
    {
        if (!_usedSinceIssued)
        {
            _usedSinceIssued = true;
        }

        var current = Volatile.Read(ref _current);
        if (IsValid(current))
        {
            return ValueTask.FromResult(current!);
        }

        lock (_lock)
        {
            if (IsValid(_current))
            {
                return ValueTask.FromResult(_current!);
            }

            if (_error is not null)
            {
                Want(Demand.Soon);
                return ValueTask.FromException<WorkloadCertificate>(new IdentityException(_error));
            }

            // Without an error this is the first attempt, or a clock that jumped past the end of the certificate.
            Want(Demand.Now);
            _priority = CallPriority.RealTime;
            _ticket?.Raise(CallPriority.RealTime);
            return new ValueTask<WorkloadCertificate>(_attempt.Task.WaitAsync(cancellationToken));
        }
    }

    /// <summary>Renews from now on even if no connection uses the certificate.</summary>
    public void KeepUnused() => _keepUnused = true;

    /// <summary>Ends the loop; who still waits gets an <see cref="IdentityException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _forgotten.CancelAsync();
        await _loop;
        _forgotten.Dispose();
    }

    private async Task RunAsync(CancellationToken forgotten)
    {
        // The caller holds a lock and may be a thread that completes socket operations.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            while (true)
            {
                var due = await AttemptAsync(forgotten);
                await SleepUntilAsync(due, forgotten);
                if (IsUnused())
                {
                    _unused(this); // which cancels the token
                    forgotten.ThrowIfCancellationRequested();
                }
            }
        }
        catch (Exception) when (forgotten.IsCancellationRequested)
        {
            // Whichever way the attempt under way took the cancellation.
            Publish(null, "the identity is no longer needed");
        }
    }

    private bool IsUnused() =>
        !_options.RenewUnused && !_keepUnused && !_usedSinceIssued && IsValid(Volatile.Read(ref _current));

    /// <summary>Asks the CA once and returns when to ask again.</summary>
    private async Task<DateTimeOffset> AttemptAsync(CancellationToken forgotten)
    {
        try
        {
            var certificate = await IssueAsync(forgotten);
            var renewal = _schedule.AfterSuccess(certificate, _time.GetUtcNow());
            _logger.CertificateIssued(_identity, certificate.NotAfter, renewal);
            if (_failure is not null)
            {
                _failure = null;
                _logger.CertificateIssuedAgain(_identity, certificate.NotAfter);
            }

            Publish(certificate, null);
            return renewal;
        }
        catch (Exception e) when (!forgotten.IsCancellationRequested)
        {
            // Whatever went wrong, the loop must live: without it the identity would never get a certificate again.
            var retry = _schedule.AfterFailure(_time.GetUtcNow());
            LogFailure(e.Message, retry);
            Publish(null, e.Message);
            return retry;
        }
    }

    private void LogFailure(string reason, DateTimeOffset retry)
    {
        var failure = (IsValid(_current), reason);
        var level = failure == _failure ? LogLevel.Debug : LogLevel.Warning;
        _failure = failure;
        if (failure.Item1)
        {
            _logger.RenewalFailed(level, _identity, reason, _current!.NotAfter, retry);
        }
        else
        {
            _logger.CertificateFailed(level, _identity, reason, retry);
        }
    }

    private async Task<WorkloadCertificate> IssueAsync(CancellationToken forgotten)
    {
        var ticket = Enter();
        try
        {
            await ticket.Turn.WaitAsync(forgotten);
            return await AskAsync(forgotten);
        }
        finally
        {
            ticket.Leave();
        }
    }

    private async Task<WorkloadCertificate> AskAsync(CancellationToken forgotten)
    {
        var limit = _options.ResponseTimeout;
        using var timeout = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(forgotten, timeout.Token);
        try
        {
            return Checked(await _authority.IssueAsync(_identity, either.Token).WaitAsync(either.Token));
        }
        catch (Exception e) when (
            e is OperationCanceledException or IdentityException
            && timeout.IsCancellationRequested && !forgotten.IsCancellationRequested)
        {
            throw new IdentityException($"signing error: no answer from the CA in {limit.TotalSeconds} s");
        }
    }

    private CallTicket Enter()
    {
        lock (_lock)
        {
            _ticket = _calls.Enter(_priority);
            return _ticket;
        }
    }

    /// <summary>
    /// A certificate from the future is used when there is no better one: it may be our clock that is behind.
    /// </summary>
    private WorkloadCertificate Checked(WorkloadCertificate certificate)
    {
        if (!IsValid(certificate))
        {
            throw new IdentityException($"signing error: the CA's certificate expired at {certificate.NotAfter:u}");
        }

        return certificate.NotBefore > _time.GetUtcNow() && IsValid(_current)
            ? throw new IdentityException(
                $"signing error: the CA's certificate is not valid before {certificate.NotBefore:u}; check the clocks")
            : certificate;
    }

    private void Publish(WorkloadCertificate? certificate, string? error)
    {
        TaskCompletionSource<WorkloadCertificate> attempt;
        lock (_lock)
        {
            Volatile.Write(ref _current, certificate ?? _current);
            _error = error;
            attempt = _attempt;
            _attempt = NewSource<WorkloadCertificate>();
            _wake = NewSource<bool>();
            _demand = Demand.None;
            _priority = CallPriority.Background;
            _ticket = null;
            _usedSinceIssued &= certificate is null;
        }

        if (certificate is not null)
        {
            attempt.SetResult(certificate);
        }
        else
        {
            attempt.SetException(new IdentityException(error!));
            _ = attempt.Task.Exception; // observed: often nobody waits
        }
    }

    // Under the lock.
    private void Want(Demand demand)
    {
        if (demand > _demand)
        {
            _demand = demand;
            _wake.TrySetResult(true);
        }
    }

    private async Task SleepUntilAsync(DateTimeOffset due, CancellationToken forgotten)
    {
        var onDemand = _time.GetUtcNow() + DemandInterval;
        while (true)
        {
            Task wake;
            DateTimeOffset next;
            lock (_lock)
            {
                if (_wake.Task.IsCompleted)
                {
                    _wake = NewSource<bool>();
                }

                wake = _wake.Task;
                next = _demand switch
                {
                    Demand.Now => DateTimeOffset.MinValue,
                    Demand.Soon when onDemand < due => onDemand,
                    _ => due,
                };
            }

            var left = next - _time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                return;
            }

            // Waits count whole milliseconds: a part of one would be no wait, and asking again would spin.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds));
            await wake.WaitAsync(wait < MaxSleep ? wait : MaxSleep, _time, forgotten)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            forgotten.ThrowIfCancellationRequested();
        }
    }

    private bool IsValid(WorkloadCertificate? certificate) =>
        certificate is not null && _time.GetUtcNow() < certificate.NotAfter;

    private static TaskCompletionSource<T> NewSource<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
