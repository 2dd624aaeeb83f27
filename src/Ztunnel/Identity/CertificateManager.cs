using System.Collections.Concurrent;
using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>
/// Certificates by identity: fetched once, shared by all connections, renewed in the background at half of their life,
/// kept when a renewal fails and never handed out once expired.
/// </summary>
internal sealed class CertificateManager : IAsyncDisposable
{
    /// <summary>Calls to the CA at the same time; a node that starts with a hundred pods waits its turn.</summary>
    private const int MaxConcurrentCalls = 8;

    /// <summary>How many of them are kept for connections that wait.</summary>
    private const int CallsForConnections = 2;

    private readonly ConcurrentDictionary<SpiffeId, ManagedCertificate> _certificates = [];
    private readonly CallQueue _calls = new(MaxConcurrentCalls, CallsForConnections);
    private readonly ICertificateAuthority _authority;
    private readonly CertificateManagerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<CertificateManager> _logger;
    private readonly Lock _changing = new();

    // Guarded by _changing: what was taken out and has not quite ended.
    private readonly List<Task> _ending = [];
    private bool _disposed;

    public CertificateManager(
        ICertificateAuthority authority,
        TimeProvider time,
        ILogger<CertificateManager> logger,
        CertificateManagerOptions? options = null)
    {
        _authority = authority;
        _time = time;
        _logger = logger;
        _options = options ?? new CertificateManagerOptions();
    }

    /// <summary>What is cached, sorted by identity as the config dump wants it.</summary>
    public IReadOnlyList<CertificateEntry> Entries =>
        [.. _certificates.Values.Select(certificate => certificate.Entry)
            .OrderBy(entry => entry.Identity.ToString(), StringComparer.Ordinal)];

    /// <summary>
    /// The current certificate of <paramref name="identity"/>, at once when there is one. Callers that come during the
    /// first attempt share it; after a failure everybody gets its error at once until a retry succeeds.
    /// </summary>
    /// <exception cref="IdentityException">There is no valid certificate.</exception>
    public ValueTask<WorkloadCertificate> FetchAsync(SpiffeId identity, CancellationToken cancellationToken) =>
        (_certificates.TryGetValue(identity, out var certificate)
            ? certificate
            : GetOrAdd(identity, CallPriority.RealTime) ?? throw new ObjectDisposedException(nameof(CertificateManager)))
        .FetchAsync(cancellationToken);

    /// <summary>
    /// A pod of this node has the identity: fetches its certificate before a connection needs it, after those that a
    /// connection waits for, and renews it until <see cref="Forget"/>. Returns at once, and does nothing after the end.
    /// </summary>
    public void Prefetch(SpiffeId identity) => GetOrAdd(identity, CallPriority.Warmup)?.KeepUnused();

    /// <summary>
    /// Drops a certificate that nobody on the node needs any more; a later fetch starts anew. Who waits for it gets an
    /// <see cref="IdentityException"/>. Returns at once.
    /// </summary>
    public void Forget(SpiffeId identity)
    {
        if (_certificates.TryGetValue(identity, out var certificate))
        {
            Remove(certificate);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_changing)
        {
            _disposed = true;
        }

        foreach (var identity in _certificates.Keys)
        {
            Forget(identity);
        }

        Task[] ending;
        lock (_changing)
        {
            ending = [.. _ending];
        }

        await Task.WhenAll(ending);
    }

    private void Remove(ManagedCertificate certificate)
    {
        lock (_changing)
        {
            if (_certificates.TryRemove(new(certificate.Identity, certificate)))
            {
                _ending.RemoveAll(task => task.IsCompletedSuccessfully);
                _ending.Add(certificate.DisposeAsync().AsTask());
            }
        }
    }

    /// <summary>Null when this is disposed.</summary>
    private ManagedCertificate? GetOrAdd(SpiffeId identity, CallPriority priority)
    {
        lock (_changing)
        {
            if (!_certificates.TryGetValue(identity, out var certificate) && !_disposed)
            {
                certificate = new ManagedCertificate(
                    identity, priority, _authority, _calls, _options, _time, _logger, Remove);
                _certificates[identity] = certificate;
            }

            return certificate;
        }
    }
}
