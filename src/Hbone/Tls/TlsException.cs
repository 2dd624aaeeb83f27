namespace Hbone.Tls;

/// <summary>A TLS session that could not be set up, or broke. The message says what was wrong, never key material.</summary>
public sealed class TlsException : IOException
{
    /// <summary>Creates the exception with its text.</summary>
    public TlsException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its text and cause.</summary>
    public TlsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether we refused the peer because a certificate of its chain is revoked.</summary>
    public bool IsPeerRevoked { get; init; }
}
