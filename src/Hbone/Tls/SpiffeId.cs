using System.Diagnostics.CodeAnalysis;

namespace Hbone.Tls;

/// <summary>
/// A workload's SPIFFE ID in Istio's shape, <c>spiffe://{trustDomain}/ns/{namespace}/sa/{serviceAccount}</c>
/// (SPIFFE-ID section 2). Exactly these five segments; segments may be empty and nothing is percent-decoded; at most
/// 2048 characters.
/// </summary>
/// <param name="TrustDomain">Authority part of the URI.</param>
/// <param name="Namespace">Kubernetes namespace.</param>
/// <param name="ServiceAccount">Kubernetes service account.</param>
public sealed record SpiffeId(string TrustDomain, string Namespace, string ServiceAccount)
{
    private const string Scheme = "spiffe://";

    // SPIFFE-ID section 2.3: nobody has to support more, and nobody should make more.
    private const int MaxLength = 2_048;

    /// <summary>Authority part of the URI.</summary>
    public string TrustDomain { get; } = TrustDomain;

    /// <summary>Kubernetes namespace.</summary>
    public string Namespace { get; } = Namespace;

    /// <summary>Kubernetes service account.</summary>
    public string ServiceAccount { get; } = ServiceAccount;

    /// <summary>The ID without its scheme, the form that policy principals are written in.</summary>
    public string Principal { get; } = $"{TrustDomain}/ns/{Namespace}/sa/{ServiceAccount}";

    /// <summary>Reads an ID; false when the text is not in Istio's shape.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id)
    {
        id = null;
        if (text is not { Length: <= MaxLength } || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return false;
        }

        if (text[Scheme.Length..].Split('/') is not [var trustDomain, "ns", var ns, "sa", var serviceAccount])
        {
            return false;
        }

        id = new SpiffeId(trustDomain, ns, serviceAccount);
        return true;
    }

    /// <summary>Reads an ID.</summary>
    /// <exception cref="FormatException">The text is not in Istio's shape.</exception>
    public static SpiffeId Parse(string text) =>
        TryParse(text, out var id) ? id : throw new FormatException($"invalid spiffe identity: {text}");

    /// <summary>The whole URI.</summary>
    public override string ToString() => Scheme + Principal;
}
