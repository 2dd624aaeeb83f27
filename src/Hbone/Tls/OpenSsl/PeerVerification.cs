using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// The checks of a peer that come after chain, validity and extended key usage: whether nothing of its chain is revoked,
/// and whether the leaf's SPIFFE IDs are the ones wanted. Runs inside the handshake, so that a refusal is a TLS alert.
/// </summary>
/// <param name="check">Looks at the peer's SPIFFE IDs; a text refuses them.</param>
/// <param name="revocations">Lists that the peer's chain must pass.</param>
internal sealed unsafe class PeerVerification(
    Func<IReadOnlyList<SpiffeId>, string?> check, RevocationSet revocations) : IDisposable
{
    private GCHandle _self;
    private RevocationSet _revocations = revocations;

    /// <summary>Every SPIFFE ID of the peer's leaf, once it was looked at.</summary>
    public IReadOnlyList<SpiffeId> PeerIds { get; private set; } = [];

    /// <summary>Why the peer was refused here; null when it was not.</summary>
    public string? Failure { get; private set; }

    /// <summary>Makes this object findable from the callback of one connection.</summary>
    public void AttachTo(nint ssl)
    {
        _self = GCHandle.Alloc(this);
        ErrorQueue.ThrowUnless(Native.SSL_set_ex_data(ssl, 0, GCHandle.ToIntPtr(_self)) == 1, "TLS session data");
    }

    /// <summary>The handshake is over: the connection must not keep lists alive that were replaced long ago.</summary>
    public void ForgetRevocations() => _revocations = RevocationSet.Empty;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_self.IsAllocated)
        {
            _self.Free();
        }
    }

    /// <summary>SSL_CTX_set_verify(3): called for each certificate of the chain, the leaf last.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static int OnCertificate(int verified, nint storeContext)
    {
        if (verified == 0 || Native.X509_STORE_CTX_get_error_depth(storeContext) != 0)
        {
            return verified;
        }

        var ssl = Native.X509_STORE_CTX_get_ex_data(storeContext, Native.SSL_get_ex_data_X509_STORE_CTX_idx());
        var error = GCHandle.FromIntPtr(Native.SSL_get_ex_data(ssl, 0)).Target is PeerVerification verification
            ? verification.ErrorOf(storeContext)
            : Native.VerifyErrorApplication;
        if (error == 0)
        {
            return 1;
        }

        Native.X509_STORE_CTX_set_error(storeContext, error);
        return 0;
    }

    // An exception must not travel through native frames: whatever is wrong with the peer is a refusal.
    private int ErrorOf(nint storeContext)
    {
        try
        {
            if (new VerifiedChain(Native.X509_STORE_CTX_get0_chain(storeContext)).IsRevokedBy(_revocations))
            {
                return Native.VerifyErrorRevoked;
            }

            using var leaf = X509CertificateLoader.LoadCertificate(
                Encode(Native.X509_STORE_CTX_get_current_cert(storeContext)));
            PeerIds = PeerIdentity.AllOf(leaf);
            Failure = check(PeerIds);
        }
        catch (Exception e)
        {
            Failure = e.Message;
        }

        return Failure is null ? 0 : Native.VerifyErrorApplication;
    }

    private static byte[] Encode(nint certificate)
    {
        var der = new byte[Math.Max(0, Native.i2d_X509(certificate, null))];
        fixed (byte* start = der)
        {
            var position = start;
            return Native.i2d_X509(certificate, &position) == der.Length ? der : [];
        }
    }
}
