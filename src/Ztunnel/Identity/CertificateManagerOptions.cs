namespace Ztunnel.Identity;

/// <summary>How certificates are fetched and kept. Immutable.</summary>
internal sealed record CertificateManagerOptions
{
    /// <summary>Longest wait for the CA's answer, once it is asked. Above zero, default 30 s.</summary>
    public TimeSpan ResponseTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether a certificate that nobody used since it was issued, and that was not prefetched, is renewed all the same.
    /// Default true: without prefetching nothing says that an identity has left the node.
    /// </summary>
    public bool RenewUnused { get; init; } = true;
}
