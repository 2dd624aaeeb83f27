using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using Fixtures;
using Hbone.Tls;
using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

public sealed class CertificateDumpTests
{
    private static readonly DateTimeOffset Now = new(2026, 8, 20, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A1_Write_RecordedRoot_GivesTheRecordedMembers()
    {
        using var recorded = JsonDocument.Parse(Fixture.Read("config_dump", "twopods-b.json"));
        var expected = recorded.RootElement.GetProperty("certificates")[0].GetProperty("rootCerts")[0];
        using var root = ReadPem(expected);
        var issued = TestCertificates.Issue(TestCertificates.Alice, Now, Now.AddDays(1));
        var certificate = new WorkloadCertificate(issued.Leaf, [], [root]);

        var written = Write(new CertificateEntry(TestCertificates.Alice, certificate, null))
            .GetProperty("rootCerts")[0];

        Assert.Equal(expected.EnumerateObject().Select(p => p.Name), written.EnumerateObject().Select(p => p.Name));
        Assert.All(["serialNumber", "validFrom", "expirationTime"], name =>
            Assert.Equal(expected.GetProperty(name).GetString(), written.GetProperty(name).GetString()));
        using var reread = ReadPem(written);
        Assert.Equal(root.Thumbprint, reread.Thumbprint);
    }

    [Fact]
    public void A1_Write_Available_HasTheRecordedShape()
    {
        using var recorded = JsonDocument.Parse(Fixture.Read("config_dump", "twopods-b.json"));
        var expected = recorded.RootElement.GetProperty("certificates")[0];
        var issued = TestCertificates.Issue(TestCertificates.Alice, Now, Now.AddDays(1));
        var certificate = new WorkloadCertificate(issued.Leaf, [issued.Roots[0]], issued.Roots);

        var written = Write(new CertificateEntry(TestCertificates.Alice, certificate, null));

        Assert.Equal(expected.EnumerateObject().Select(p => p.Name), written.EnumerateObject().Select(p => p.Name));
        Assert.Equal("spiffe://cluster.local/ns/default/sa/alice", written.GetProperty("identity").GetString());
        Assert.Equal("Available", written.GetProperty("state").GetString());
        var chain = written.GetProperty("certChain");
        Assert.Equal(2, chain.GetArrayLength());
        Assert.Equal("2026-08-21T12:00:00Z", chain[0].GetProperty("expirationTime").GetString());
    }

    [Theory]
    [InlineData(null, "Initializing")]
    [InlineData("no CA", "Unavailable: no CA")]
    public void A1_Write_WithoutCertificate_HasEmptyChains(string? error, string state)
    {
        var written = Write(new CertificateEntry(TestCertificates.Alice, null, error));

        Assert.Equal(state, written.GetProperty("state").GetString());
        Assert.Equal(0, written.GetProperty("certChain").GetArrayLength());
        Assert.Equal(0, written.GetProperty("rootCerts").GetArrayLength());
    }

    private static JsonElement Write(CertificateEntry entry)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            CertificateDump.Write(json, entry);
        }

        return JsonDocument.Parse(buffer.ToArray()).RootElement;
    }

    private static X509Certificate2 ReadPem(JsonElement certificate) => X509Certificate2.CreateFromPem(
        Encoding.ASCII.GetString(certificate.GetProperty("pem").GetBytesFromBase64()));
}
