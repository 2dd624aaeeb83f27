using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ztunnel.Control;

/// <summary>Cuts the certificates out of PEM text (RFC 7468), which may hold any number of blocks and text between.</summary>
internal static class PemCertificates
{
    private const string Start = "-----BEGIN";
    private const string Label = "CERTIFICATE";

    /// <summary>Every certificate in order; blocks of other kinds are passed over.</summary>
    /// <param name="pem">The text.</param>
    /// <param name="skipped">How many blocks say that they are certificates and do not decode as one.</param>
    /// <exception cref="FormatException">A block begins and does not end.</exception>
    public static X509Certificate2Collection ReadAll(string pem, out int skipped)
    {
        var certificates = new X509Certificate2Collection();
        skipped = 0;
        var rest = pem.AsSpan();
        while (TakeBlock(ref rest, out var block))
        {
            if (Decode(block) is { } certificate)
            {
                certificates.Add(certificate);
            }
            else
            {
                skipped++;
            }
        }

        return certificates;
    }

    /// <summary>The certificate of the first block that says it is one; what follows is not looked at.</summary>
    /// <exception cref="FormatException">There is none, or it does not decode.</exception>
    public static X509Certificate2 ReadFirst(string pem)
    {
        var rest = pem.AsSpan();
        return TakeBlock(ref rest, out var block)
            ? Decode(block) ?? throw new FormatException("a PEM block does not hold a certificate")
            : throw new FormatException("no PEM certificate in it");
    }

    private static bool TakeBlock(ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> block)
    {
        while (PemEncoding.TryFind(rest, out var fields))
        {
            var searched = rest;
            rest = searched[fields.Location.End..];
            ThrowIfBegun(searched[..fields.Location.Start]); // the search has passed over a damaged block
            if (searched[fields.Label].SequenceEqual(Label))
            {
                block = searched[fields.Base64Data];
                return true;
            }
        }

        ThrowIfBegun(rest);
        block = default;
        return false;
    }

    private static void ThrowIfBegun(ReadOnlySpan<char> text)
    {
        if (text.Contains(Start, StringComparison.Ordinal))
        {
            throw new FormatException("a PEM block is damaged or cut off");
        }
    }

    private static X509Certificate2? Decode(ReadOnlySpan<char> base64)
    {
        try
        {
            return X509CertificateLoader.LoadCertificate(Convert.FromBase64String(base64.ToString()));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
