using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>
/// A CA in this process that signs with a key from a directory, for tests and demonstrations (<c>FAKE_CA=true</c>):
/// whoever can read the directory can be anybody in the mesh.
/// </summary>
internal sealed class LocalCertificateAuthority : ICertificateAuthority
{
    /// <summary>Leaves are valid from this long ago, so that a peer whose clock is behind accepts them.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    private readonly CertificateAuthorityFiles _files;
    private readonly TimeSpan _timeToLive;
    private readonly TimeProvider _time;
    private readonly Lock _signing = new();

    private LocalCertificateAuthority(CertificateAuthorityFiles files, TimeSpan timeToLive, TimeProvider time)
    {
        _files = files;
        _timeToLive = timeToLive;
        _time = time;
    }

    /// <summary>
    /// Loads the CA, and makes one first when the directory has none. Safe when several processes do so at once.
    /// </summary>
    /// <param name="directory">Holds Istio's <c>cacerts</c> files, see <see cref="CertificateAuthorityFiles"/>.</param>
    /// <param name="timeToLive">Validity of leaves counted from now, <c>SECRET_TTL</c>. Positive.</param>
    /// <param name="time">Clock for validity.</param>
    /// <param name="cancellationToken">Ends the wait for another process that is making the CA.</param>
    /// <exception cref="IdentityException">A file is missing, damaged, expired or does not fit the others.</exception>
    public static async Task<LocalCertificateAuthority> OpenAsync(
        string directory, TimeSpan timeToLive, TimeProvider time, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        await CertificateAuthorityDirectory.EnsureAsync(directory, time, cancellationToken);
        return new LocalCertificateAuthority(
            CertificateAuthorityFiles.Load(directory, time.GetUtcNow()), timeToLive, time);
    }

    /// <inheritdoc/>
    public async Task<WorkloadCertificate> IssueAsync(SpiffeId identity, CancellationToken cancellationToken)
    {
        // Keys and signatures take milliseconds, and the caller may be a thread that completes socket operations.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return Issue(identity);
        }
        catch (Exception e) when (e is CryptographicException or AsnContentException or ArgumentException)
        {
            throw new IdentityException($"signing error: {identity}: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _files.Dispose();

    private WorkloadCertificate Issue(SpiffeId identity)
    {
        var now = _time.GetUtcNow();
        var authority = _files.Authority;
        var notBefore = Later(now - ClockSkew, authority.NotBefore.ToUniversalTime());
        var notAfter = Earlier(now + _timeToLive, authority.NotAfter.ToUniversalTime());
        if (notAfter <= now)
        {
            throw new IdentityException(
                $"signing error: the CA certificate in {_files.Directory} expired at {notAfter:u}");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, _files.SignatureHash);
        AddExtensions(request, identity);

        X509Certificate2 signed;
        lock (_signing)
        {
            signed = request.Create(
                authority.SubjectName, _files.SignatureGenerator, notBefore, notAfter, SerialNumber.NewRandom());
        }

        using (signed)
        {
            return new WorkloadCertificate(signed.CopyWithPrivateKey(key), _files.Intermediates, _files.Roots);
        }
    }

    private void AddExtensions(CertificateRequest request, SpiffeId identity)
    {
        request.CertificateExtensions.Add(SpiffeName.ToExtension(identity));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], critical: false)); // server, client
        if (_files.AuthorityKeyIdentifier is { } authorityKeyIdentifier)
        {
            request.CertificateExtensions.Add(authorityKeyIdentifier);
        }
    }

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;
}
