using System.Security.Cryptography;
using System.Text;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>What a revocation file may look like; data-path 13, C1, and control-plane 4.8.</summary>
public sealed class RevocationSetTests : IDisposable
{
    private readonly TestLeaf _root = TestLeaf.Authority("one root");
    private readonly byte[] _list;
    private readonly string _pem;

    public RevocationSetTests()
    {
        _list = _root.RevokeSerials(1, [[1], [2]]);
        _pem = PemEncoding.WriteString("X509 CRL", _list) + "\n";
    }

    public void Dispose() => _root.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData(" \r\n\n")]
    [InlineData("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")]
    public void File_WithoutLists_RevokesNothing(string file) => Assert.Equal(0, Parse(file).Count);

    [Fact]
    public void Der_OneList() => Assert.Equal(1, RevocationSet.Parse(_list).Count);

    [Fact]
    public void Pem_OneList() => Assert.Equal(1, Parse(_pem).Count);

    [Fact]
    public void Pem_SeveralListsAmongOtherBlocksAndText_AllLists()
    {
        var certificate = _root.Certificate.ExportCertificatePem() + "\r\n";

        var set = Parse($"Certificate Revocation List (CRL):\n{_pem}{certificate}{_pem.ReplaceLineEndings("\r\n")}");

        Assert.Equal(2, set.Count);
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("0 is how DER begins, but this is none")]
    [InlineData("\0\0\0\0")]
    [InlineData("-----BEGIN X509 CRL-----\nMIIB\n")]
    [InlineData("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n")]
    [InlineData("-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n")]
    [InlineData("-----BEGIN X509 CRL-----\nno base64!\n-----END X509 CRL-----\n")]
    public void File_OfAnotherShape_IsAnError(string file) => Assert.Throws<FormatException>(() => Parse(file));

    [Fact]
    public void Pem_OneGoodListBesideADamagedOne_IsAnError()
    {
        var damaged = _pem.Replace("-----BEGIN X509 CRL-----", "----BEGIN X509 CRL-----", StringComparison.Ordinal);

        Assert.Throws<FormatException>(() => Parse(_pem + damaged));
        Assert.Throws<FormatException>(() => Parse(damaged + _pem));
    }

    [Fact]
    public void Der_CutAnywhere_IsAnError() =>
        Assert.All(
            Enumerable.Range(1, _list.Length - 1),
            cut => Assert.Throws<FormatException>(() => RevocationSet.Parse(_list.AsSpan(..cut))));

    [Fact]
    public void Pem_CutAnywhereInside_IsAnError() =>
        Assert.All(
            Enumerable.Range(1, _pem.TrimEnd().Length - 1),
            cut => Assert.Throws<FormatException>(() => Parse(_pem[..cut])));

    [Fact]
    public void Der_WithSomethingBehind_IsAnErrorAndItsMemoryIsLetGo()
    {
        Assert.Throws<FormatException>(() => RevocationSet.Parse([.. _list, 0]));

        // An exception in the finalizer would end the process.
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Fact]
    public void Der_ACertificateInstead_IsAnError() =>
        Assert.Throws<FormatException>(() => RevocationSet.Parse(_root.Certificate.RawData));

    [Fact]
    public void Without_ListOfTheSameBytes_IsLeftOut()
    {
        var set = RevocationSet.Parse(_list);
        var more = Parse(_pem + PemEncoding.WriteString("X509 CRL", _root.RevokeSerials(1, [[3]])));

        Assert.Equal(1, more.Without(set).Count);
        Assert.Equal(0, set.Without(more).Count);
        Assert.Equal(1, set.Without(RevocationSet.Empty).Count);
    }

    private static RevocationSet Parse(string file) => RevocationSet.Parse(Encoding.ASCII.GetBytes(file));
}
