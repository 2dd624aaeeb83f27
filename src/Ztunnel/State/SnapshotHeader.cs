using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Ztunnel.State;

/// <summary>
/// The first 52 bytes of a snapshot. All of the file is covered by length or hash, so a file that was cut or altered
/// anywhere is noticed before anything of it is decoded. Numbers are little-endian.
/// </summary>
/// <remarks>
/// <code>
///  0        8          12           20                          52
/// +--------+----------+------------+---------------------------+------ ... ------+
/// | magic  | format   | body length| SHA-256 of bytes 0 to 19, | body            |
/// | 8 bytes| u32      | u64        | then SHA-256 of the body  |                 |
/// +--------+----------+------------+---------------------------+------ ... ------+
/// </code>
/// The body is a sequence of records: kind (u8), length (u32), protobuf message. The first is a <c>SnapshotInfo</c>.
/// </remarks>
/// <param name="BodyLength">Bytes.</param>
/// <param name="Hash">32 bytes.</param>
internal readonly record struct SnapshotHeader(long BodyLength, byte[] Hash)
{
    /// <summary>Bytes before the body.</summary>
    public const int Length = HashedLength + SHA256.HashSizeInBytes;

    /// <summary>Bytes of a record before its message.</summary>
    public const int RecordHeadLength = 5;

    /// <summary>Bytes at the beginning that the hash covers.</summary>
    public const int HashedLength = 20;

    private const uint Format = 1;
    private const int FormatOffset = 8;
    private const int BodyLengthOffset = 12;

    private static ReadOnlySpan<byte> Magic => "ZTUNNEL\n"u8;

    /// <summary>Writes what the hash covers.</summary>
    public static void WriteHashed(Span<byte> header, long bodyLength)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[FormatOffset..], Format);
        BinaryPrimitives.WriteInt64LittleEndian(header[BodyLengthOffset..], bodyLength);
    }

    /// <summary>Reads the beginning of a file.</summary>
    /// <param name="header"><see cref="Length"/> bytes, or all that there are.</param>
    /// <param name="fileLength">Length of the whole file.</param>
    /// <exception cref="SnapshotException">It is no snapshot, of another format, or cut.</exception>
    public static SnapshotHeader Read(ReadOnlySpan<byte> header, long fileLength)
    {
        if (header.Length < Length)
        {
            throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture, $"cut: {fileLength} bytes, less than a header"));
        }

        if (!header.StartsWith(Magic))
        {
            throw new SnapshotException("not a snapshot of ztunnel");
        }

        var format = BinaryPrimitives.ReadUInt32LittleEndian(header[FormatOffset..]);
        if (format != Format)
        {
            throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture, $"format {format}, but this version reads format {Format}"));
        }

        var bodyLength = BinaryPrimitives.ReadUInt64LittleEndian(header[BodyLengthOffset..]);
        return bodyLength == (ulong)(fileLength - Length)
            ? new SnapshotHeader((long)bodyLength, header[HashedLength..Length].ToArray())
            : throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture,
                $"cut or too long: {fileLength - Length} bytes after the header, which says {bodyLength}"));
    }
}
