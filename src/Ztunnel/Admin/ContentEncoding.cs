using System.Globalization;
using System.IO.Compression;
using Microsoft.Extensions.Primitives;
using ZstdSharp;

namespace Ztunnel.Admin;

/// <summary>Content codings (RFC 9110 section 8.4.1) that we can make.</summary>
internal static class ContentEncoding
{
    // In the order of our preference among those that a caller likes equally; gzip needs the least memory.
    private static readonly string[] Supported = ["gzip", "zstd", "br", "deflate"];

    /// <summary>The coding with the highest weight in Accept-Encoding (RFC 9110 section 12.5.3), or null.</summary>
    public static string? Choose(StringValues acceptEncoding)
    {
        string? best = null;
        var bestWeight = 0.0;
        foreach (var coding in Supported)
        {
            var weight = WeightOf(coding, acceptEncoding) ?? WeightOf("*", acceptEncoding) ?? 0;
            if (weight > bestWeight)
            {
                (best, bestWeight) = (coding, weight);
            }
        }

        return best;
    }

    /// <summary>A stream that compresses into <paramref name="output"/> and leaves it open.</summary>
    public static Stream Compress(Stream output, string coding, CompressionLevel level) => coding switch
    {
        "gzip" => new GZipStream(output, level, leaveOpen: true),
        "zstd" => new CompressionStream(output, ZstdLevelOf(level), leaveOpen: true),
        "br" => new BrotliStream(output, level, leaveOpen: true),
        "deflate" => new ZLibStream(output, level, leaveOpen: true), // the coding of this name is the zlib format
        _ => throw new ArgumentOutOfRangeException(nameof(coding), coding, "not a coding that we can make"),
    };

    // RFC 8878; levels as zstd(1) numbers them.
    private static int ZstdLevelOf(CompressionLevel level) => level switch
    {
        CompressionLevel.Fastest or CompressionLevel.NoCompression => 1,
        CompressionLevel.SmallestSize => 19,
        _ => 3,
    };

    private static double? WeightOf(string coding, StringValues acceptEncoding)
    {
        foreach (var header in acceptEncoding)
        {
            foreach (var element in (header ?? "").Split(','))
            {
                var parts = element.Split(';', StringSplitOptions.TrimEntries);
                if (parts[0].Equals(coding, StringComparison.OrdinalIgnoreCase))
                {
                    return WeightIn(parts.AsSpan(1));
                }
            }
        }

        return null;
    }

    private static double WeightIn(ReadOnlySpan<string> parameters)
    {
        foreach (var parameter in parameters)
        {
            if (parameter.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
            {
                return double.TryParse(parameter.AsSpan(2), CultureInfo.InvariantCulture, out var weight) ? weight : 0;
            }
        }

        return 1;
    }
}
