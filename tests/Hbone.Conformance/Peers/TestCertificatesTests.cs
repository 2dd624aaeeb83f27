using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Hbone.Conformance.Peers;

public sealed class TestCertificatesTests : IDisposable
{
    private static readonly SpiffeId Identity = new("cluster.local", "shop", "b");

    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public void Issue_Leaf_CarriesTheIdentityAndChainsToTheRoot()
    {
        var certificate = _certificates.Issue(Identity);

        Assert.Equal(Identity, certificate.Identity);
        Assert.True(ChainOf(certificate.Roots).Build(certificate.Leaf));
    }

    [Fact]
    public void Issue_LeafOfAnotherAuthority_DoesNotChain()
    {
        using var others = new TestCertificates();

        var certificate = _certificates.Issue(Identity);

        Assert.False(ChainOf(others.Issue(Identity).Roots).Build(certificate.Leaf));
    }

    [Fact]
    public void WritePem_Files_LoadAndGoAwayWithTheAuthority()
    {
        var certificates = new TestCertificates();
        var files = certificates.WritePem(Identity);

        using (var leaf = X509Certificate2.CreateFromPemFile(files.Certificate, files.Key))
        {
            Assert.True(leaf.HasPrivateKey);
            Assert.Equal(Identity, PeerIdentity.FirstOf(leaf));
        }

        certificates.Dispose();
        Assert.False(File.Exists(files.Key));
    }

    private static X509Chain ChainOf(X509Certificate2Collection roots)
    {
        var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain;
    }
}
