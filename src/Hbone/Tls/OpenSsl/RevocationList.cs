using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// One certificate revocation list (RFC 5280 section 5). Shared by all connections, immutable but for its memory of whose
/// signature it carries. It has no owner: the last snapshot that holds it lets it go.
/// </summary>
/// <remarks>
/// Its validity time, its extensions and the issuer's key usage are not asked for: whatever the issuer's own key has
/// signed can only take trust away.
/// </remarks>
internal sealed unsafe class RevocationList : SafeHandle
{
    // Authorities that share one name, with some room for their renewed certificates; then it is found out again.
    private const int MaxRememberedIssuers = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<(UInt128, UInt128), bool> _isSignedBy = [];
    private readonly byte[] _fingerprint;
    private readonly int _length;

    /// <summary>Decodes a list.</summary>
    /// <exception cref="FormatException">The bytes are something else, damaged, or have something after the list.</exception>
    public RevocationList(ReadOnlySpan<byte> der)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        fixed (byte* start = der)
        {
            var position = start;
            Native.ERR_clear_error();
            SetHandle(Native.d2i_X509_CRL(null, &position, der.Length));
            if (IsInvalid)
            {
                throw new FormatException($"not a certificate revocation list: {ErrorQueue.Take("no reason given")}");
            }

            // From here on the finalizer will want its due, whatever else is wrong.
            _length = der.Length;
            GC.AddMemoryPressure(_length);
            if (position != start + der.Length)
            {
                throw new FormatException("something follows the certificate revocation list");
            }
        }

        _fingerprint = SHA256.HashData(der);
        SortEntries();
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>Whether both were decoded from the same bytes.</summary>
    public bool IsSameAs(RevocationList other) => _fingerprint.AsSpan().SequenceEqual(other._fingerprint);

    /// <summary>Whether the list names the certificate, and is by the key that has signed the certificate.</summary>
    /// <param name="certificate">An X509.</param>
    /// <param name="issuer">The next X509 of its verified chain.</param>
    public bool Revokes(nint certificate, nint issuer)
    {
        nint entry;
        var revokes = Native.X509_NAME_cmp(
                Native.X509_CRL_get_issuer(handle), Native.X509_get_issuer_name(certificate)) == 0
            && Native.X509_CRL_get0_by_cert(handle, &entry, certificate) == Native.CrlEntryFound
            && IsSignedBy(issuer);
        GC.KeepAlive(this);
        return revokes;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        Native.X509_CRL_free(handle);
        GC.RemoveMemoryPressure(_length);
        return true;
    }

    // Names are not unique, so this decides whose list it is. A long list takes milliseconds to hash: once for each issuer.
    private bool IsSignedBy(nint issuer)
    {
        var key = FingerprintOf(issuer);
        lock (_gate)
        {
            if (!_isSignedBy.TryGetValue(key, out var isSigned))
            {
                if (_isSignedBy.Count >= MaxRememberedIssuers)
                {
                    _isSignedBy.Clear();
                }

                isSigned = Verify(issuer);
                _isSignedBy.Add(key, isSigned);
            }

            return isSigned;
        }
    }

    // Of the whole certificate: with its key alone, a forged one could make us remember the wrong answer.
    private static (UInt128, UInt128) FingerprintOf(nint certificate)
    {
        var digest = stackalloc byte[Native.Sha256Length];
        ErrorQueue.ThrowUnless(
            Native.X509_digest(certificate, Native.EVP_sha256(), digest, null) == 1, "issuer fingerprint");
        var halves = MemoryMarshal.Cast<byte, UInt128>(new ReadOnlySpan<byte>(digest, Native.Sha256Length));
        return (halves[0], halves[1]);
    }

    // What a wrong signature leaves in the error queue would look like a failure of the handshake around it.
    private bool Verify(nint issuer)
    {
        var key = Native.X509_get0_pubkey(issuer);
        _ = Native.ERR_set_mark();
        var isSigned = key != 0 && Native.X509_CRL_verify(handle, key) == 1;
        _ = Native.ERR_pop_to_mark();
        return isSigned;
    }

    // The first look-up sorts the entries, which must not be left to a handshake.
    private void SortEntries()
    {
        var any = Native.ASN1_INTEGER_new();
        ErrorQueue.ThrowUnless(any != 0, "serial number");
        nint entry;
        _ = Native.X509_CRL_get0_by_serial(handle, &entry, any);
        Native.ASN1_INTEGER_free(any);
    }
}
