using System.Buffers;
using System.Buffers.Text;

namespace Hbone.Tls;

/// <summary>
/// How revocation lists lie in a file: one in DER, or any number in PEM (RFC 7468 section 6) among other blocks and text.
/// Nothing that might be a list is passed over: a list lost to a typing error would be a revocation lost.
/// </summary>
internal static class RevocationFileFormat
{
    private const byte DerSequence = 0x30;

    private static ReadOnlySpan<byte> AnyBegin => "-----BEGIN"u8;

    private static ReadOnlySpan<byte> Label => "X509 CRL"u8;

    private static ReadOnlySpan<byte> Begin => "-----BEGIN X509 CRL-----"u8;

    private static ReadOnlySpan<byte> End => "-----END X509 CRL-----"u8;

    /// <summary>The lists in DER, in order; none for a file without any.</summary>
    /// <exception cref="FormatException">The file is neither DER nor PEM, or a block is damaged.</exception>
    public static IReadOnlyList<byte[]> Split(ReadOnlySpan<byte> file)
    {
        if (file is [DerSequence, ..])
        {
            return [file.ToArray()];
        }

        if (file.IndexOfAnyExcept(" \t\r\n"u8) < 0)
        {
            return [];
        }

        return file.IndexOf(AnyBegin) >= 0
            ? SplitPem(file)
            : throw new FormatException("neither PEM nor DER");
    }

    private static List<byte[]> SplitPem(ReadOnlySpan<byte> rest)
    {
        var lists = new List<byte[]>();
        while (true)
        {
            var begin = rest.IndexOf(Begin);
            var skipped = begin < 0 ? rest : rest[..begin];
            if (skipped.IndexOf(Label) >= 0 || HasIncompleteBegin(skipped))
            {
                throw new FormatException($"a damaged line that should begin or end block {lists.Count + 1}");
            }

            if (begin < 0)
            {
                return lists;
            }

            rest = rest[(begin + Begin.Length)..];
            var end = rest.IndexOf(End);
            if (end < 0)
            {
                throw new FormatException($"X509 CRL block {lists.Count + 1} has no end");
            }

            lists.Add(Decode(rest[..end], lists.Count + 1));
            rest = rest[(end + End.Length)..];
        }
    }

    private static bool HasIncompleteBegin(ReadOnlySpan<byte> skipped)
    {
        foreach (var line in skipped.Split((byte)'\n'))
        {
            var text = skipped[line].TrimEnd(" \t\r"u8);
            if (text.StartsWith(AnyBegin) && !text.EndsWith("-----"u8))
            {
                return true;
            }
        }

        return false;
    }

    private static byte[] Decode(ReadOnlySpan<byte> base64, int number)
    {
        var der = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        return Base64.DecodeFromUtf8(base64, der, out _, out var length) == OperationStatus.Done && length > 0
            ? der[..length]
            : throw new FormatException($"X509 CRL block {number} is not base64");
    }
}
