using System.Buffers.Binary;

namespace Hbone.Fuzz;

/// <summary>
/// What mutation starts from: <c>Corpus/{kind}/*.hex</c>, lines of hexadecimal octets and comments after
/// <c>#</c>. A file
/// is one input.
/// </summary>
internal static class Corpus
{
    /// <summary>Octet streams: the lines of a file after each other.</summary>
    public static byte[][] Streams(string kind) =>
        [.. Files(kind).Select(lines => lines.SelectMany(line => line).ToArray())];

    /// <summary>Header blocks: each line of a file is one, with two octets of length before it.</summary>
    public static byte[][] Blocks(string kind) =>
        [.. Files(kind).Select(lines => lines.SelectMany(WithLength).ToArray())];

    private static byte[] WithLength(byte[] block)
    {
        var octets = new byte[sizeof(ushort) + block.Length];
        BinaryPrimitives.WriteUInt16BigEndian(octets, (ushort)block.Length);
        block.CopyTo(octets, sizeof(ushort));
        return octets;
    }

    private static IEnumerable<byte[][]> Files(string kind) =>
        Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Corpus", kind), "*.hex")
            .Order(StringComparer.Ordinal)
            .Select(file => File.ReadLines(file)
                .Select(line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal))
                .Where(line => line.Length > 0)
                .Select(Convert.FromHexString)
                .ToArray());
}
