using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>Signs workload certificates.</summary>
internal interface ICertificateAuthority : IDisposable
{
    /// <summary>
    /// Makes a fresh key and has a certificate for <paramref name="identity"/> signed. Keeps nothing.
    /// </summary>
    /// <exception cref="IdentityException">There is no certificate; the message says why.</exception>
    Task<WorkloadCertificate> IssueAsync(SpiffeId identity, CancellationToken cancellationToken);
}
