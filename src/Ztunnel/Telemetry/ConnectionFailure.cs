namespace Ztunnel.Telemetry;

/// <summary>Why a connection ended, used unchanged by the access log and as metric label <c>response_flags</c>.</summary>
internal enum ConnectionFailure
{
    /// <summary><c>-</c></summary>
    None,

    /// <summary><c>DENY</c>: refused or cut by policy.</summary>
    Deny,

    /// <summary><c>CONNECT</c>: the next hop was not reached, or broke.</summary>
    Connect,

    /// <summary><c>TLS_FAILURE</c></summary>
    TlsFailure,

    /// <summary><c>H2_HANDSHAKE_FAILURE</c></summary>
    H2HandshakeFailure,

    /// <summary><c>NETWORK_POLICY</c>: port 15008 of the peer does not answer.</summary>
    NetworkPolicy,

    /// <summary><c>IDENTITY_ERROR</c>: no certificate of our own.</summary>
    IdentityError,

    /// <summary><c>CERT_REVOKED</c></summary>
    CertRevoked,
}

/// <summary>Spelling of <see cref="ConnectionFailure"/> on the wire.</summary>
internal static class ConnectionFailureExtensions
{
    /// <summary>The value of label <c>response_flags</c>.</summary>
    public static string ToFlag(this ConnectionFailure failure) => failure switch
    {
        ConnectionFailure.None => "-",
        ConnectionFailure.Deny => "DENY",
        ConnectionFailure.Connect => "CONNECT",
        ConnectionFailure.TlsFailure => "TLS_FAILURE",
        ConnectionFailure.H2HandshakeFailure => "H2_HANDSHAKE_FAILURE",
        ConnectionFailure.NetworkPolicy => "NETWORK_POLICY",
        ConnectionFailure.IdentityError => "IDENTITY_ERROR",
        ConnectionFailure.CertRevoked => "CERT_REVOKED",
        _ => throw new ArgumentOutOfRangeException(nameof(failure), failure, "unknown connection failure"),
    };
}
