using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography.X509Certificates;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// The check of a peer's leaf that comes after chain, validity and extended key usage: whether its SPIFFE IDs are the
/// ones wanted. Runs inside the handshake, so that a refusal is a TLS alert.
/// </summary>
internal sealed unsafe class PeerVerification(Func<IReadOnlyList<SpiffeId>, string?> check) : IDisposable
{
    private GCHandle _self;

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
        if (GCHandle.FromIntPtr(Native.SSL_get_ex_data(ssl, 0)).Target is PeerVerification verification
            && verification.Accepts(Native.X509_STORE_CTX_get_current_cert(storeContext)))
        {
            return 1;
        }

        Native.X509_STORE_CTX_set_error(storeContext, Native.VerifyErrorApplication);
        return 0;
    }

    // An exception must not travel through native frames: whatever is wrong with the leaf is a refusal.
    private bool Accepts(nint certificate)
    {
        try
        {
            using var leaf = X509CertificateLoader.LoadCertificate(Encode(certificate));
            PeerIds = PeerIdentity.AllOf(leaf);
            Failure = check(PeerIds);
        }
        catch (Exception e)
        {
            Failure = e.Message;
        }

        return Failure is null;
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
