using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Fixtures;
using Hbone.Tls;
using Ztunnel.Control;
using Ztunnel.Identity;
using Ztunnel.Protos.CertificateApi;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Requests of the real ztunnel and answers of a real istiod.</summary>
public class RecordedCertificatesTests
{
    public static TheoryData<string, string> All
    {
        get
        {
            var all = new TheoryData<string, string>();
            foreach (var scenario in (string[])["self-signed", "intermediate"])
            {
                foreach (var call in (string[])["with-key", "ztunnel-1", "ztunnel-2"])
                {
                    all.Add(scenario, call);
                }
            }

            return all;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void T9_Csr_HasTheShapeOfTheRecordedOne(string scenario, string call)
    {
        var recorded = Request(scenario, call);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        var ours = CertificateSigningRequest.ToPem(key, IdentityOf(recorded));

        Assert.Equal(WithoutKey(recorded.Csr), WithoutKey(ours));
        Assert.EndsWith("-----END CERTIFICATE REQUEST-----\n", ours, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("self-signed", 0)]
    [InlineData("intermediate", 1)]
    public void T10_Response_WithItsKey_IsAcceptedAndSplit(string scenario, int intermediates)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(Fixture.Read("istiod", "ca", scenario, "with-key", "key.pem"));
        var identity = IdentityOf(Request(scenario, "with-key"));

        var certificate = IssuedChain.Read(
            Response(scenario, "with-key").CertChain, key, identity, checksName: true, out var skippedRoots);

        var presented = new X509Certificate2Collection(certificate.Leaf);
        presented.AddRange(certificate.Intermediates);
        Assert.Equal(Pem(scenario, "chain.pem"), presented.Select(c => c.RawData));
        Assert.Equal(Pem(scenario, "root.pem"), certificate.Roots.Select(c => c.RawData));
        Assert.Equal(intermediates, certificate.Intermediates.Count);
        Assert.Equal(identity, certificate.Identity);
        Assert.Equal(TimeSpan.FromDays(1) + TimeSpan.FromMinutes(2), certificate.NotAfter - certificate.NotBefore);
        Assert.Equal(0, skippedRoots);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void T8_Response_ForAnotherIdentity_IsRefused(string scenario, string call)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var other = new SpiffeId("cluster.local", "shop", "other");

        var error = Assert.Throws<IdentityException>(() =>
            IssuedChain.Read(Response(scenario, call).CertChain, key, other, checksName: true, out _));

        Assert.Equal($"did not find expected SAN: {other}", error.Message);
    }

    private static IstioCertificateRequest Request(string scenario, string call) =>
        IstioCertificateRequest.Parser.ParseFrom(Bytes(scenario, call, "request.bin"));

    private static IstioCertificateResponse Response(string scenario, string call) =>
        IstioCertificateResponse.Parser.ParseFrom(Bytes(scenario, call, "response.bin"));

    private static byte[] Bytes(string scenario, string call, string file) =>
        File.ReadAllBytes(Fixture.PathOf("istiod", "ca", scenario, call, file));

    private static SpiffeId IdentityOf(IstioCertificateRequest request) =>
        SpiffeId.Parse(Assert.Single(request.Metadata.Fields).Value.StringValue);

    private static IEnumerable<byte[]> Pem(string scenario, string file) =>
        PemCertificates.ReadAll(Fixture.Read("istiod", "ca", scenario, "with-key", file), out _).Select(c => c.RawData);

    /// <summary>What is signed (RFC 2986 section 4.1), with zeros for the point of the key, and the algorithm.</summary>
    private static (string Information, string Algorithm) WithoutKey(string pem)
    {
        var fields = PemEncoding.Find(pem);
        var request = new AsnReader(
            Convert.FromBase64String(pem[fields.Base64Data]), AsnEncodingRules.DER).ReadSequence();
        var information = request.ReadEncodedValue().ToArray();
        var inner = new AsnReader(information, AsnEncodingRules.DER).ReadSequence();
        inner.ReadInteger();
        inner.ReadSequence();
        var keyInfo = inner.ReadSequence();
        keyInfo.ReadSequence();
        var point = keyInfo.ReadBitString(out _);
        information.AsSpan().Slice(information.AsSpan().IndexOf(point), point.Length).Clear();
        return (Convert.ToHexString(information), Convert.ToHexString(request.ReadEncodedValue().Span));
    }
}
