namespace Ztunnel.Proxy.Socks;

/// <summary>How a request ended (RFC 1928 section 6).</summary>
internal enum SocksReplyCode : byte
{
    Succeeded = 0,

    /// <summary>None of the others: among them an identity or a handshake that failed, and a request out of time.</summary>
    GeneralFailure = 1,

    /// <summary>The mesh forbids it, or knows no way that it permits.</summary>
    NotAllowed = 2,
    NetworkUnreachable = 3,

    /// <summary>Nobody has the name or the address, or the peer's proxy does not reach it.</summary>
    HostUnreachable = 4,
    ConnectionRefused = 5,

    /// <summary>Whoever has the address does not answer in time.</summary>
    TtlExpired = 6,

    /// <summary>Anything but CONNECT.</summary>
    CommandNotSupported = 7,
    AddressTypeNotSupported = 8,
}
