using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>A root of its own and server certificates under it.</summary>
internal sealed class ServerCertificates : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    public ServerCertificates() => _root = TestCertificates.Authority(
        "root", _key, issuer: null, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));

    public string RootPem => _root.ExportCertificatePem();

    public X509Certificate2 Issue(string dnsName, TimeSpan? validFor = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={dnsName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        names.AddIpAddress(IPAddress.Parse("192.0.2.1"));
        request.CertificateExtensions.Add(names.Build());
        var notBefore = DateTimeOffset.UtcNow.AddMinutes(-30);
        using var leaf = request.Create(
            _root, notBefore, notBefore + (validFor ?? TimeSpan.FromHours(1)), [1, 2, 3, 4]);
        using var withKey = leaf.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }
}
