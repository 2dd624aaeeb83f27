namespace Hbone.Tls;

/// <summary>Which SPIFFE IDs a peer may have. Each rule gives null, or the reason of the refusal.</summary>
internal static class PeerRules
{
    /// <summary>What a server asks of a client: one ID of our own trust domain; anything if we have no ID ourselves.</summary>
    public static string? SameTrustDomain(SpiffeId? own, IReadOnlyList<SpiffeId> peer) =>
        own is null || peer.Any(id => id.TrustDomain == own.TrustDomain)
            ? null
            : "identity verification error: peer did not present the expected trustdomain "
                + $"({own.TrustDomain}), got {string.Join(',', peer)}";

    /// <summary>What a client asks of a server: one of the expected IDs.</summary>
    public static string? OneOf(IReadOnlyList<SpiffeId> expected, IReadOnlyList<SpiffeId> peer) =>
        peer.Any(expected.Contains)
            ? null
            : "identity verification error: peer did not present the expected SAN "
                + $"({string.Join(',', expected)}), got {string.Join(',', peer)}";
}
