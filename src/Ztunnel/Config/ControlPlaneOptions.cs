using System.Collections.Immutable;

namespace Ztunnel.Config;

/// <summary>How one server of the control plane, XDS or CA, is reached and verified. Immutable.</summary>
/// <param name="RootCertificates">What its certificate must chain to.</param>
/// <param name="AlternateHostname">Accepted in its certificate besides the host of its address; null for none.</param>
/// <param name="Headers">Sent with each request, names in lower case, in ordinal order of the names.</param>
internal sealed record ControlPlaneOptions(
    RootCertificateSource RootCertificates,
    string? AlternateHostname,
    ImmutableArray<KeyValuePair<string, string>> Headers)
{
    /// <summary>istiod's certificate in every pod, and nothing else.</summary>
    public static ControlPlaneOptions Default { get; } =
        new(RootCertificateSource.Parse("./var/run/secrets/istio/root-cert.pem"), null, []);
}
