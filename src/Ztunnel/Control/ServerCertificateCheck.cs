using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ztunnel.Control;

/// <summary>
/// Decides whether a server is the control plane: a chain to our roots, made for servers, with the name that we dialled
/// or the alternate one (RFC 9525).
/// </summary>
/// <param name="roots">Trust anchors, read anew for each connection.</param>
/// <param name="host">Host of the address.</param>
/// <param name="alternateHost">Accepted besides; null for none.</param>
internal sealed class ServerCertificateCheck(ControlPlaneRoots roots, string host, string? alternateHost)
{
    private const string ServerAuthOid = "1.3.6.1.5.5.7.3.1";

    /// <summary>The form that the TLS library asks for. Instead of a plain no it throws the reason.</summary>
    /// <exception cref="AuthenticationException">The server is not accepted.</exception>
    /// <exception cref="ControlPlaneException">The roots cannot be read.</exception>
    public bool Accept(object sender, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors) =>
        ReasonAgainst(certificate as X509Certificate2, presented) is not { } reason
        || Refuse($"the control plane's certificate {reason}");

    private static bool Refuse(string reason) => throw new AuthenticationException(reason);

    private string? ReasonAgainst(X509Certificate2? leaf, X509Chain? presented)
    {
        if (leaf is null)
        {
            return "is missing";
        }

        if (Verify(leaf, presented) is { Length: > 0 } problems)
        {
            return $"does not verify: {problems}";
        }

        return (Matches(leaf, host), alternateHost) switch
        {
            (true, _) => null,
            (_, null) => $"is not for {host}",
            (_, { } alternate) => Matches(leaf, alternate) ? null : $"is neither for {host} nor for {alternate}",
        };
    }

    /// <summary>What is wrong with the chain; empty when it is good.</summary>
    private string Verify(X509Certificate2 leaf, X509Chain? presented)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        policy.ApplicationPolicy.Add(new Oid(ServerAuthOid));
        if (roots.Read() is { } anchors)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(anchors);
        }

        if (presented is not null)
        {
            policy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore); // what came with the leaf
        }

        return chain.Build(leaf)
            ? ""
            : string.Join("; ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()).DefaultIfEmpty("refused"));
    }

    private static bool Matches(X509Certificate2 leaf, string name) =>
        Uri.CheckHostName(name) != UriHostNameType.Unknown && leaf.MatchesHostname(name, allowCommonName: false);
}
