using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Google.Protobuf;
using Ztunnel.Protos.State;

namespace Ztunnel.State;

/// <summary>
/// Writes a snapshot record by record: besides a buffer of fixed size only one encoded message exists at a time.
/// </summary>
/// <param name="output">Can seek, and is empty: the header is written last.</param>
internal sealed class SnapshotWriter(Stream output) : IDisposable
{
    private const int PieceSize = 64 * 1024;

    private readonly ArrayBufferWriter<byte> _piece = new(PieceSize);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _bodyLength;

    /// <summary>The whole snapshot.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(SnapshotInfo info, IEnumerable<(RecordKind Kind, IMessage Message)> records)
    {
        // The header is known at the end, so the body is hashed alone, and what comes out with the header.
        output.SetLength(0);
        output.Position = SnapshotHeader.Length;
        Append(RecordKind.Info, info);
        foreach (var (kind, message) in records)
        {
            Append(kind, message);
            if (_piece.WrittenCount >= PieceSize)
            {
                WritePiece();
            }
        }

        WritePiece();
        Span<byte> header = stackalloc byte[SnapshotHeader.Length];
        SnapshotHeader.WriteHashed(header, _bodyLength);
        HashWith(header[..SnapshotHeader.HashedLength], _hash, header[SnapshotHeader.HashedLength..]);
        output.Position = 0;
        output.Write(header);
        output.Flush();
    }

    /// <summary>The hash of a file: over the hashed part of the header and the hash of the body.</summary>
    public static void HashWith(ReadOnlySpan<byte> header, IncrementalHash body, Span<byte> result)
    {
        Span<byte> input = stackalloc byte[SnapshotHeader.HashedLength + SHA256.HashSizeInBytes];
        header.CopyTo(input);
        body.GetHashAndReset(input[SnapshotHeader.HashedLength..]);
        SHA256.HashData(input, result);
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Append(RecordKind kind, IMessage message)
    {
        var length = message.CalculateSize();
        var head = _piece.GetSpan(SnapshotHeader.RecordHeadLength);
        head[0] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], length);
        _piece.Advance(SnapshotHeader.RecordHeadLength);
        message.WriteTo(_piece);
    }

    private void WritePiece()
    {
        _hash.AppendData(_piece.WrittenSpan);
        output.Write(_piece.WrittenSpan);
        _bodyLength += _piece.WrittenCount;
        _piece.ResetWrittenCount();
    }
}
