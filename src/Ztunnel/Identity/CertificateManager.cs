using System.Collections.Concurrent;
using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>
/// Certificates by identity: fetched once, shared by all connections, renewed in the background at half of their life,
/// kept when a renewal fails and never handed out once expired.
/// </summary>
internal sealed class CertificateManager(
    ICertificateAuthority authority, TimeProvider time, ILogger<CertificateManager> logger) : IAsyncDisposable
{
    /// <summary>Calls to the CA at the same time; a node that starts with a hundred pods waits its turn.</summary>
    private const int MaxConcurrentCalls = 8;

    private readonly ConcurrentDictionary<SpiffeId, ManagedCertificate> _certificates = [];
    private readonly SemaphoreSlim _callSlots = new(MaxConcurrentCalls);
    private readonly Lock _adding = new();
    private bool _disposed;

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
        (_certificates.TryGetValue(identity, out var certificate) ? certificate : Add(identity))
            .FetchAsync(cancellationToken);

    /// <summary>
    /// Stops renewing a certificate that nobody on the node needs any more; a later fetch starts anew.
    /// </summary>
    public async ValueTask ForgetAsync(SpiffeId identity)
    {
        if (_certificates.TryRemove(identity, out var certificate))
        {
            await certificate.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_adding)
        {
            _disposed = true;
        }

        foreach (var identity in _certificates.Keys)
        {
            await ForgetAsync(identity);
        }

        _callSlots.Dispose();
    }

    private ManagedCertificate Add(SpiffeId identity)
    {
        lock (_adding)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_certificates.TryGetValue(identity, out var certificate))
            {
                certificate = new ManagedCertificate(identity, authority, _callSlots, time, logger);
                _certificates[identity] = certificate;
            }

            return certificate;
        }
    }
}
