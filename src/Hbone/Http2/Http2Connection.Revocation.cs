using Hbone.Tls;

namespace Hbone.Http2;

/// <summary>The end of a connection whose peer's certificate is revoked while it lives.</summary>
public sealed partial class Http2Connection
{
    /// <summary>What every stream of the connection then fails with.</summary>
    public const string PeerRevokedText = "connection closed: peer certificate revoked by CRL";

    /// <summary>Whether we accepted the connection.</summary>
    internal bool IsServer => _role.IsServer;

    /// <summary>Whether the peer's chain is known, so that it can be checked again.</summary>
    internal bool HasPeerChain => _transport.HasPeerChain;

    /// <summary>Whether a certificate of the peer's chain is revoked by these lists. Not once the socket is closed.</summary>
    internal bool HasPeerRevokedBy(RevocationSet revocations) => _transport.HasPeerRevokedBy(revocations);

    /// <summary>
    /// Ends every stream and the connection: a client is told with GOAWAY NO_ERROR, a server is dropped.
    /// </summary>
    /// <returns>False when the connection was already ending for another reason.</returns>
    internal bool TryRevoke()
    {
        var failure = Revoked(innerException: null);
        Abort(failure, IsServer ? Farewell.Brief : Farewell.None);
        lock (Gate)
        {
            return _failure == failure;
        }
    }

    private static Http2ConnectionException Revoked(Exception? innerException) =>
        new(Http2ErrorCode.NoError, PeerRevokedText, innerException) { IsPeerRevoked = true };
}
