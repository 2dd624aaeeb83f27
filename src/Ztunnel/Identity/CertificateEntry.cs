using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>One identity of the certificate cache at one moment.</summary>
/// <param name="Identity">Whose certificate.</param>
/// <param name="Certificate">The valid certificate, if there is one.</param>
/// <param name="Error">Why there is none; null while the first attempt runs.</param>
internal sealed record CertificateEntry(SpiffeId Identity, WorkloadCertificate? Certificate, string? Error)
{
    /// <summary>The word of the config dump.</summary>
    public string State => this switch
    {
        { Certificate: not null } => "Available",
        { Error: not null } => $"Unavailable: {Error}",
        _ => "Initializing",
    };
}
