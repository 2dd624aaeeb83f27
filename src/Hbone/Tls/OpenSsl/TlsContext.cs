using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// One identity's TLS parameters in one role (SSL_CTX), shared by all its connections. TLS 1.3 only unless 1.2 is
/// allowed, AES-GCM suites, ALPN <c>h2</c>, client certificates mandatory, no resumption, no SNI.
/// </summary>
internal sealed unsafe class TlsContext : SafeHandle
{
    // Read-ahead: one recv fills this and holds many records; freed while the connection is idle.
    private const int ReadBufferLength = 128 * 1024;
    private const string Tls13Suites = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";

    private const string Tls12Suites = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
        + "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";

    private const int AlpnOk = 0;
    private const int AlpnFatal = 2;

    /// <exception cref="TlsException">OpenSSL refused the certificate, its key or a parameter.</exception>
    public TlsContext(WorkloadCertificate certificate, bool server, bool allowTls12)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        SetHandle(Native.SSL_CTX_new(Native.TLS_method()));
        ErrorQueue.ThrowUnless(!IsInvalid, "TLS context");
        SetProtocol(allowTls12);
        UseCertificate(certificate);
        Trust(certificate.Roots, server);
        if (server)
        {
            Native.SSL_CTX_set_alpn_select_cb(handle, &SelectProtocol, 0);
        }
        else
        {
            ReadOnlySpan<byte> h2 = [2, (byte)'h', (byte)'2'];
            fixed (byte* protocols = h2)
            {
                ErrorQueue.ThrowUnless(
                    Native.SSL_CTX_set_alpn_protos(handle, protocols, (uint)h2.Length) == 0, "ALPN h2");
            }
        }

        var mode = Native.VerifyPeer | (server ? Native.VerifyFailIfNoPeerCertificate : 0);
        Native.SSL_CTX_set_verify(handle, mode, &PeerVerification.OnCertificate);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Native.SSL_CTX_free(handle);
        return true;
    }

    private void SetProtocol(bool allowTls12)
    {
        var lowest = allowTls12 ? Native.Tls12 : Native.Tls13;
        ErrorQueue.ThrowUnless(Control(Native.CtrlSetMinProtocolVersion, lowest) == 1, "TLS version");
        ErrorQueue.ThrowUnless(Native.SSL_CTX_set_ciphersuites(handle, Tls13Suites) == 1, "TLS 1.3 cipher suites");
        if (allowTls12)
        {
            ErrorQueue.ThrowUnless(Native.SSL_CTX_set_cipher_list(handle, Tls12Suites) == 1, "TLS 1.2 cipher suites");
        }

        fixed (byte* groups = KeyExchange.Groups)
        {
            ErrorQueue.ThrowUnless(
                Native.SSL_CTX_ctrl(handle, Native.CtrlSetGroupsList, 0, groups) == 1, "key exchange groups");
        }

        Native.SSL_CTX_set_options(
            handle, Native.OptionNoTicket | Native.OptionNoCompression | Native.OptionNoRenegotiation);
        ErrorQueue.ThrowUnless(Native.SSL_CTX_set_num_tickets(handle, 0) == 1, "TLS tickets");
        Control(Native.CtrlSetSessionCacheMode, 0);
        Control(Native.CtrlMode, (nint)(Native.ModeReleaseBuffers | Native.ModeAcceptMovingWriteBuffer));
        Control(Native.CtrlSetReadAhead, 1);
        Native.SSL_CTX_set_default_read_buffer_len(handle, ReadBufferLength);
    }

    private void UseCertificate(WorkloadCertificate certificate)
    {
        var leaf = Decode(certificate.Leaf);
        try
        {
            ErrorQueue.ThrowUnless(Native.SSL_CTX_use_certificate(handle, leaf) == 1, "workload certificate");
        }
        finally
        {
            Native.X509_free(leaf);
        }

        UsePrivateKey(certificate.Leaf);
        foreach (var intermediate in certificate.Intermediates)
        {
            var issuer = Decode(intermediate);
            try
            {
                ErrorQueue.ThrowUnless(
                    Native.SSL_CTX_ctrl(handle, Native.CtrlChainCert, 1, (void*)issuer) == 1, "intermediate certificate");
            }
            finally
            {
                Native.X509_free(issuer);
            }
        }
    }

    private void UsePrivateKey(X509Certificate2 leaf)
    {
        using var key = (AsymmetricAlgorithm?)leaf.GetECDsaPrivateKey() ?? leaf.GetRSAPrivateKey();
        var pkcs8 = key?.ExportPkcs8PrivateKey()
            ?? throw new TlsException("the workload certificate's key is neither ECDSA nor RSA");
        try
        {
            fixed (byte* start = pkcs8)
            {
                var der = start;
                var decoded = Native.d2i_AutoPrivateKey(null, &der, pkcs8.Length);
                ErrorQueue.ThrowUnless(decoded != 0, "workload key");
                var used = Native.SSL_CTX_use_PrivateKey(handle, decoded);
                Native.EVP_PKEY_free(decoded);
                ErrorQueue.ThrowUnless(used == 1 && Native.SSL_CTX_check_private_key(handle) == 1, "workload key");
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }

    private void Trust(X509Certificate2Collection roots, bool server)
    {
        var store = Native.SSL_CTX_get_cert_store(handle);

        // Whatever the bundle lists is an anchor, self-signed or not.
        ErrorQueue.ThrowUnless(
            Native.X509_STORE_set_flags(store, Native.VerifyFlagPartialChain) == 1, "trust bundle flags");
        foreach (var root in roots)
        {
            var anchor = Decode(root);
            try
            {
                ErrorQueue.ThrowUnless(Native.X509_STORE_add_cert(store, anchor) == 1, "trust bundle");
                if (server)
                {
                    // Named in CertificateRequest (RFC 8446 section 4.2.4).
                    ErrorQueue.ThrowUnless(Native.SSL_CTX_add_client_CA(handle, anchor) == 1, "trust bundle names");
                }
            }
            finally
            {
                Native.X509_free(anchor);
            }
        }
    }

    private nint Control(int command, nint argument) => Native.SSL_CTX_ctrl(handle, command, argument, null);

    private static nint Decode(X509Certificate2 certificate)
    {
        var raw = certificate.RawDataMemory.Span;
        fixed (byte* start = raw)
        {
            var der = start;
            var decoded = Native.d2i_X509(null, &der, raw.Length);
            ErrorQueue.ThrowUnless(decoded != 0, "certificate");
            return decoded;
        }
    }

    /// <summary>RFC 7301 section 3.2: <c>h2</c> or a fatal alert. Clients that offer nothing never get here.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectProtocol(
        nint ssl, byte** selected, byte* selectedLength, byte* offered, uint offeredLength, nint argument)
    {
        for (var i = 0u; i < offeredLength; i += offered[i] + 1u)
        {
            if (offered[i] == 2 && i + 2 < offeredLength && offered[i + 1] == 'h' && offered[i + 2] == '2')
            {
                *selected = offered + i + 1;
                *selectedLength = 2;
                return AlpnOk;
            }
        }

        return AlpnFatal;
    }
}
