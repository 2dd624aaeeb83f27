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

    /// <summary>Longest wait for the CA's answer.</summary>
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(30);

    private readonly SpiffeId _identity;
    private readonly ICertificateAuthority _authority;
    private readonly SemaphoreSlim _callSlots;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateManager> _logger;
    private readonly RenewalSchedule _schedule = new();
    private readonly CancellationTokenSource _forgotten = new();
    private readonly Lock _lock = new();
    private readonly Task _loop;

    // Written under _lock by the loop. _current is also read without it.
    private WorkloadCertificate? _current;
    private string? _error;
    private TaskCompletionSource<WorkloadCertificate> _attempt = NewSource<WorkloadCertificate>();
    private TaskCompletionSource<bool> _expiryNoticed = NewSource<bool>();

    /// <summary>Starts the first attempt.</summary>
    public ManagedCertificate(SpiffeId identity, ICertificateAuthority authority, SemaphoreSlim callSlots,
        TimeProvider time, ILogger<CertificateManager> logger)
    {
        _identity = identity;
        _authority = authority;
        _callSlots = callSlots;
        _time = time;
        _logger = logger;
        _loop = RunAsync(_forgotten.Token);
    }

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
                return ValueTask.FromException<WorkloadCertificate>(new IdentityException(_error));
            }

            // Without an error this is the first attempt, or a clock that jumped past the end of the certificate.
            _expiryNoticed.TrySetResult(true);
            return new ValueTask<WorkloadCertificate>(_attempt.Task.WaitAsync(cancellationToken));
        }
    }

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
            }
        }
        catch (Exception) when (forgotten.IsCancellationRequested)
        {
            // Whichever way the attempt under way took the cancellation.
            Publish(null, "the identity is no longer needed");
        }
    }

    /// <summary>Asks the CA once and returns when to ask again.</summary>
    private async Task<DateTimeOffset> AttemptAsync(CancellationToken forgotten)
    {
        try
        {
            var certificate = await IssueAsync(forgotten);
            var renewal = _schedule.AfterSuccess(certificate, _time.GetUtcNow());
            _logger.CertificateIssued(_identity, certificate.NotAfter, renewal);
            Publish(certificate, null);
            return renewal;
        }
        catch (Exception e) when (!forgotten.IsCancellationRequested)
        {
            // Whatever went wrong, the loop must live: without it the identity would never get a certificate again.
            var retry = _schedule.AfterFailure(_time.GetUtcNow());
            if (IsValid(_current))
            {
                _logger.RenewalFailed(_identity, e.Message, _current!.NotAfter, retry);
            }
            else
            {
                _logger.CertificateFailed(_identity, e.Message, retry);
            }

            Publish(null, e.Message);
            return retry;
        }
    }

    private async Task<WorkloadCertificate> IssueAsync(CancellationToken forgotten)
    {
        await _callSlots.WaitAsync(forgotten);
        using var timeout = new CancellationTokenSource(AttemptTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(forgotten, timeout.Token);
        try
        {
            var certificate = await _authority.IssueAsync(_identity, either.Token).WaitAsync(either.Token);
            return IsValid(certificate)
                ? certificate
                : throw new IdentityException(
                    $"signing error: the CA's certificate expired at {certificate.NotAfter:u}");
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !forgotten.IsCancellationRequested)
        {
            throw new IdentityException($"signing error: no answer from the CA in {AttemptTimeout.TotalSeconds} s");
        }
        finally
        {
            _callSlots.Release();
        }
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
            _expiryNoticed = NewSource<bool>();
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

    private async Task SleepUntilAsync(DateTimeOffset due, CancellationToken forgotten)
    {
        Task expiryNoticed;
        lock (_lock)
        {
            expiryNoticed = _expiryNoticed.Task;
        }

        while (due - _time.GetUtcNow() is var left && left > TimeSpan.Zero && !expiryNoticed.IsCompleted)
        {
            await expiryNoticed.WaitAsync(left < MaxSleep ? left : MaxSleep, _time, forgotten)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            forgotten.ThrowIfCancellationRequested();
        }
    }

    private bool IsValid(WorkloadCertificate? certificate) =>
        certificate is not null && _time.GetUtcNow() < certificate.NotAfter;

    private static TaskCompletionSource<T> NewSource<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
