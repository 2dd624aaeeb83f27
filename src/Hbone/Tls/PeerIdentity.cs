using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;

namespace Hbone.Tls;

/// <summary>Reads SPIFFE IDs out of a certificate's URI subject alternative names (RFC 5280 section 4.2.1.6).</summary>
public static class PeerIdentity
{
    private const string SubjectAlternativeNameOid = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>Every SPIFFE ID of the certificate in order; names of other kinds and other URIs are skipped.</summary>
    /// <remarks>An extension that does not decode yields what was read before the damage.</remarks>
    public static IReadOnlyList<SpiffeId> AllOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var ids = new List<SpiffeId>();
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == SubjectAlternativeNameOid)
            {
                ReadUris(extension.RawData, ids);
            }
        }

        return ids;
    }

    /// <summary>The first SPIFFE ID of the certificate, the identity used everywhere; null when it has none.</summary>
    public static SpiffeId? FirstOf(X509Certificate2 certificate) => AllOf(certificate) is [var first, ..] ? first : null;

    private static void ReadUris(ReadOnlyMemory<byte> extension, List<SpiffeId> ids)
    {
        try
        {
            var names = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
            while (names.HasData)
            {
                if (names.PeekTag() != UriTag)
                {
                    names.ReadEncodedValue();
                    continue;
                }

                if (SpiffeId.TryParse(names.ReadCharacterString(UniversalTagNumber.IA5String, UriTag), out var id))
                {
                    ids.Add(id);
                }
            }
        }
        catch (AsnContentException)
        {
            // A damaged name proves nothing; the chain check has its own opinion on the certificate.
        }
    }
}
