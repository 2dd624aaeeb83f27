using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using Google.Protobuf;
using Ztunnel.Protos.State;

namespace Ztunnel.State;

/// <summary>
/// Reads a snapshot: first all of it through the hash, then record by record. No length that the file names is trusted
/// before it was compared with what is there.
/// </summary>
/// <param name="input">Can seek.</param>
internal sealed class SnapshotReader(Stream input)
{
    private const int PieceSize = 64 * 1024;

    private byte[] _buffer = new byte[PieceSize];
    private long _left;

    /// <summary>Looks at the first record alone, without the hash: enough to compare times, not to use the rest.</summary>
    /// <exception cref="SnapshotException">It is not there.</exception>
    public SnapshotInfo ReadInfo()
    {
        _left = ReadHeader().BodyLength;
        return ReadInfoRecord();
    }

    /// <summary>Checks the whole file.</summary>
    /// <exception cref="SnapshotException">It was cut or altered, or is no snapshot.</exception>
    public SnapshotInfo Verify()
    {
        var header = ReadHeader();
        using var body = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var left = header.BodyLength; left > 0;)
        {
            var piece = _buffer.AsSpan(0, (int)Math.Min(left, _buffer.Length));
            Fill(piece);
            body.AppendData(piece);
            left -= piece.Length;
        }

        Span<byte> hashed = stackalloc byte[SnapshotHeader.HashedLength];
        SnapshotHeader.WriteHashed(hashed, header.BodyLength);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SnapshotWriter.HashWith(hashed, body, hash);
        if (!hash.SequenceEqual(header.Hash))
        {
            throw new SnapshotException("altered: its checksum is another one");
        }

        input.Position = SnapshotHeader.Length;
        _left = header.BodyLength;
        return ReadInfoRecord();
    }

    /// <summary>The next record after <see cref="Verify"/>; false at the end.</summary>
    /// <param name="kind">As in the file, so it may be one that is not known.</param>
    /// <param name="message">Lent until the next call.</param>
    /// <exception cref="SnapshotException">The record is cut.</exception>
    public bool TryRead(out RecordKind kind, out ReadOnlySpan<byte> message)
    {
        kind = default;
        message = default;
        if (_left == 0)
        {
            return false;
        }

        Span<byte> head = stackalloc byte[SnapshotHeader.RecordHeadLength];
        Take(head);
        kind = (RecordKind)head[0];
        var length = BinaryPrimitives.ReadUInt32LittleEndian(head[1..]);
        if (length > _left || length > (uint)Array.MaxLength)
        {
            throw new SnapshotException(string.Create(
                CultureInfo.InvariantCulture, $"a record of {length} bytes, but {_left} are left"));
        }

        if (length > _buffer.Length)
        {
            _buffer = new byte[length];
        }

        var content = _buffer.AsSpan(0, (int)length);
        Take(content);
        message = content;
        return true;
    }

    private SnapshotHeader ReadHeader()
    {
        input.Position = 0;
        Span<byte> header = stackalloc byte[SnapshotHeader.Length];
        var read = input.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
        return SnapshotHeader.Read(header[..read], input.Length);
    }

    private SnapshotInfo ReadInfoRecord()
    {
        if (!TryRead(out var kind, out var message) || kind != RecordKind.Info)
        {
            throw new SnapshotException("does not begin with its description");
        }

        try
        {
            return SnapshotInfo.Parser.ParseFrom(message);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new SnapshotException($"its description cannot be read: {e.Message}", e);
        }
    }

    private void Take(Span<byte> bytes)
    {
        if (bytes.Length > _left)
        {
            throw new SnapshotException("ends inside a record");
        }

        Fill(bytes);
        _left -= bytes.Length;
    }

    private void Fill(Span<byte> bytes)
    {
        try
        {
            input.ReadExactly(bytes);
        }
        catch (EndOfStreamException e)
        {
            throw new SnapshotException("became shorter while it was read", e);
        }
    }
}
