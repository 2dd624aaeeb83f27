using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;
using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

public sealed class LocalCertificateAuthorityTests : IDisposable
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly TemporaryDirectory _directory = new();
    private readonly ManualTime _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Leaf_OfNewCa_IsX509Svid()
    {
        using var authority = await OpenAsync();

        var certificate = await authority.IssueAsync(TestCertificates.Alice, Token);

        var leaf = certificate.Leaf;
        Assert.Equal("", leaf.Subject);
        Assert.Equal(TestCertificates.Alice, certificate.Identity);
        var names = Assert.Single(leaf.Extensions, e => e.Oid!.Value == "2.5.29.17");
        Assert.True(names.Critical);
        Assert.Equal("ECC", leaf.PublicKey.Oid.FriendlyName);
        Assert.Equal(256, leaf.GetECDsaPublicKey()!.KeySize);
        var usage = Assert.Single(leaf.Extensions.OfType<X509KeyUsageExtension>());
        Assert.True(usage.Critical);
        Assert.Equal(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, usage.KeyUsages);
        var purposes = Assert.Single(leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>()).EnhancedKeyUsages;
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"], purposes.Cast<Oid>().Select(oid => oid.Value!));
        Assert.Equal(_time.GetUtcNow() - TimeSpan.FromMinutes(2), certificate.NotBefore);
        Assert.Equal(_time.GetUtcNow() + Day, certificate.NotAfter);
        Assert.True(Verifies(certificate));
    }

    [Theory]
    [InlineData("CLUSTER.local", "name space", "ü%41")]
    [InlineData("", "", "")]
    public async Task Leaf_UnusualIdentity_IsKeptAsItIsOrRefused(string trustDomain, string ns, string serviceAccount)
    {
        using var authority = await OpenAsync();
        var identity = new SpiffeId(trustDomain, ns, serviceAccount);

        var issue = authority.IssueAsync(identity, Token);

        if (serviceAccount.All(char.IsAscii))
        {
            Assert.Equal(identity, (await issue).Identity);
        }
        else
        {
            var error = await Assert.ThrowsAsync<IdentityException>(() => issue);
            Assert.StartsWith($"signing error: {identity}", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task SerialNumbers_TwoLeaves_AreLongPositiveAndDifferent()
    {
        using var authority = await OpenAsync();

        var one = (await authority.IssueAsync(TestCertificates.Alice, Token)).Leaf.SerialNumberBytes.ToArray();
        var two = (await authority.IssueAsync(TestCertificates.Alice, Token)).Leaf.SerialNumberBytes.ToArray();

        Assert.Equal(20, one.Length);
        Assert.InRange(one[0], 0x40, 0x7F);
        Assert.NotEqual(one, two);
    }

    [Fact]
    public async Task Create_NewDirectory_IsPrivateAndComplete()
    {
        using var authority = await OpenAsync();

        Assert.Equal("rwx------", Mode(_directory.Path));
        Assert.Equal("rw-------", Mode(_directory.File("ca-key.pem")));
        Assert.All(
            ["ca-cert.pem", "root-cert.pem", "cert-chain.pem"],
            name => Assert.True(File.Exists(_directory.File(name))));
    }

    [Fact]
    public async Task Create_ManyAtOnce_AllHaveTheSameRoot()
    {
        var opened = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(OpenAsync, Token)));

        var roots = new HashSet<string>();
        foreach (var authority in opened)
        {
            using (authority)
            {
                roots.Add((await authority.IssueAsync(TestCertificates.Alice, Token)).Roots[0].Thumbprint);
            }
        }

        Assert.Single(roots);
    }

    [Fact]
    public async Task Create_AfterHolderDied_StartsAnew()
    {
        Directory.CreateDirectory(_directory.Path);
        await File.WriteAllTextAsync(_directory.File(".creating"), "in progress\n", Token);
        await File.WriteAllTextAsync(_directory.File("ca-key.pem"), "half a k", Token);

        using var authority = await OpenAsync();

        Assert.True(Verifies(await authority.IssueAsync(TestCertificates.Alice, Token)));
    }

    [Fact]
    public async Task Open_SomeFilesOfAnOperator_AreNotReplaced()
    {
        Directory.CreateDirectory(_directory.Path);
        await File.WriteAllTextAsync(_directory.File("ca-key.pem"), "precious", Token);

        var error = await Assert.ThrowsAsync<IdentityException>(OpenAsync);

        Assert.Equal($"CA directory {_directory.Path}: ca-cert.pem is missing beside ca-key.pem", error.Message);
        Assert.Equal("precious", await File.ReadAllTextAsync(_directory.File("ca-key.pem"), Token));
    }

    [Theory]
    [InlineData("rsa", "PKCS#8")]
    [InlineData("rsa", "PKCS#1")]
    [InlineData("ec", "PKCS#8")]
    [InlineData("ec", "SEC1")]
    public async Task Leaf_OfIntermediate_PresentsItWithoutTheRoot(string kind, string format)
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = TestCertificates.Authority(
            "root", rootKey, null, _time.GetUtcNow() - Day, _time.GetUtcNow() + Day);
        using AsymmetricAlgorithm key = kind == "rsa" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var issuing = TestCertificates.Authority(
            "issuing", key, root, _time.GetUtcNow() - (Day / 2), _time.GetUtcNow() + (Day / 2));
        var keyPem = (key, format) switch
        {
            (RSA rsa, "PKCS#1") => rsa.ExportRSAPrivateKeyPem(),
            (ECDsa ec, "SEC1") => ec.ExportECPrivateKeyPem(),
            _ => key.ExportPkcs8PrivateKeyPem(),
        };
        WriteFiles(issuing, keyPem, root, issuing.ExportCertificatePem() + "\n" + root.ExportCertificatePem());

        using var authority = await OpenAsync();
        var certificate = await authority.IssueAsync(TestCertificates.Alice, Token);

        Assert.Equal(issuing.Thumbprint, Assert.Single(certificate.Intermediates).Thumbprint);
        Assert.Equal(root.Thumbprint, Assert.Single(certificate.Roots).Thumbprint);
        Assert.Equal(_time.GetUtcNow() + (Day / 2), certificate.NotAfter); // clipped to its issuer's
        Assert.True(Verifies(certificate));
    }

    [Fact]
    public async Task Open_KeyOfAnotherCertificate_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = TestCertificates.Authority("root", key, null, _time.GetUtcNow(), _time.GetUtcNow() + Day);
        WriteFiles(root, other.ExportPkcs8PrivateKeyPem(), root, "");

        var error = await Assert.ThrowsAsync<IdentityException>(OpenAsync);

        Assert.Equal($"CA file {_directory.File("ca-key.pem")}: does not match ca-cert.pem beside it", error.Message);
    }

    [Fact]
    public async Task Open_ExpiredCertificate_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = TestCertificates.Authority("root", key, null, _time.GetUtcNow() - Day, _time.GetUtcNow());
        WriteFiles(root, key.ExportPkcs8PrivateKeyPem(), root, "");

        var error = await Assert.ThrowsAsync<IdentityException>(OpenAsync);

        Assert.Equal($"CA file {_directory.File("ca-cert.pem")}: expired at 2026-08-20 12:00:00Z", error.Message);
    }

    [Fact]
    public async Task Open_RootOfAnotherCa_IsRefused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var one = TestCertificates.Authority("one", key, null, _time.GetUtcNow(), _time.GetUtcNow() + Day);
        using var other = TestCertificates.Authority(
            "other", otherKey, null, _time.GetUtcNow(), _time.GetUtcNow() + Day);
        WriteFiles(one, key.ExportPkcs8PrivateKeyPem(), other, "");

        var error = await Assert.ThrowsAsync<IdentityException>(OpenAsync);

        Assert.Contains(
            "no valid chain through cert-chain.pem to root-cert.pem", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ca-cert.pem")]
    [InlineData("ca-key.pem")]
    [InlineData("root-cert.pem")]
    public async Task Open_DamagedFile_IsNamed(string name)
    {
        (await OpenAsync()).Dispose();
        await File.WriteAllTextAsync(_directory.File(name), "-----BEGIN NONSENSE-----\n", Token);

        var error = await Assert.ThrowsAsync<IdentityException>(OpenAsync);

        Assert.Contains(_directory.File(name), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issue_CaExpiredSinceItWasLoaded_Fails()
    {
        using var authority = await OpenAsync();
        _time.Advance(TimeSpan.FromDays(3660));

        var error = await Assert.ThrowsAsync<IdentityException>(
            () => authority.IssueAsync(TestCertificates.Alice, Token));

        Assert.Contains("expired", error.Message, StringComparison.Ordinal);
    }

    private Task<LocalCertificateAuthority> OpenAsync() =>
        LocalCertificateAuthority.OpenAsync(_directory.Path, Day, _time, Token);

    private void WriteFiles(X509Certificate2 authority, string key, X509Certificate2 root, string chain)
    {
        Directory.CreateDirectory(_directory.Path);
        File.WriteAllText(_directory.File("ca-cert.pem"), authority.ExportCertificatePem());
        File.WriteAllText(_directory.File("ca-key.pem"), key);
        File.WriteAllText(_directory.File("root-cert.pem"), root.ExportCertificatePem());
        File.WriteAllText(_directory.File("cert-chain.pem"), chain);
    }

    private bool Verifies(WorkloadCertificate certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(certificate.Roots);
        chain.ChainPolicy.ExtraStore.AddRange(certificate.Intermediates);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        return chain.Build(certificate.Leaf);
    }

    private static string Mode(string path)
    {
#pragma warning disable CA1416 // the proxy and its tests run on Linux only
        var mode = (int)File.GetUnixFileMode(path);
#pragma warning restore CA1416
        return string.Concat("rwxrwxrwx".Select((letter, i) => (mode & (0x100 >> i)) != 0 ? letter : '-'));
    }
}
