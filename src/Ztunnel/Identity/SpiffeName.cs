using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Hbone.Tls;

namespace Ztunnel.Identity;

/// <summary>An identity as the subject alternative name of a certificate (RFC 5280 section 4.2.1.6).</summary>
internal static class SpiffeName
{
    private const string SubjectAlternativeNameOid = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);

    /// <summary>
    /// X509-SVID section 4: critical because the subject is empty, and exactly one URI. The URI stays as it is: the
    /// framework's builder would lower-case and escape parts of it.
    /// </summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">The identity is not ASCII.</exception>
    public static X509Extension ToExtension(SpiffeId identity)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence())
        {
            names.WriteCharacterString(UniversalTagNumber.IA5String, identity.ToString(), UriTag);
        }

        return new X509Extension(SubjectAlternativeNameOid, names.Encode(), critical: true);
    }
}
