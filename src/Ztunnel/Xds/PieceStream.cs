using System.Buffers.Binary;

namespace Ztunnel.Xds;

/// <summary>
/// A stream of gRPC messages in which those larger than <see cref="PieceBytes"/> are cut between the fields of their
/// protobuf message. Fields of one number may be spread over any number of messages: together they are the original one.
/// </summary>
/// <remarks>
/// Length-prefixed message of gRPC over HTTP/2: one byte, 0 or compressed; four bytes of length, big endian; the message.
/// What cannot be cut passes as it is, for gRPC or the decoder to complain about.
/// </remarks>
internal sealed class PieceStream(Stream inner, ResponsePieces pieces, int maxMessageBytes) : Stream
{
    /// <summary>About the size of a piece; a field that is larger makes a larger piece.</summary>
    public const int PieceBytes = 64 * 1024;

    private const int HeadBytes = 5;
    private const int ReadBytes = 32 * 1024;

    // From _start on, first _ready bytes to hand out, then _end - _start - _ready bytes as they came.
    private byte[] _buffer = new byte[ReadBytes];
    private int _start;
    private int _end;
    private int _ready;
    private int _scanned; // behind the ready ones: whole fields of the message that is being cut
    private long _left; // of the message that is being cut, from the first byte that came
    private long _passing; // of a message that passes as it is, not received yet or not handed out
    private bool _isOver;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    private int Raw => _end - _start - _ready;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_ready == 0 && !TryMakeReady())
        {
            if (_isOver)
            {
                PassRest(); // of a message that was cut off: gRPC says so
                _ready += Raw;
                break;
            }

            MakeRoom();
            var received = await inner.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
            _end += received;
            _isOver = received == 0;
        }

        var count = Math.Min(buffer.Length, _ready);
        _buffer.AsMemory(_start, count).CopyTo(buffer);
        _start += count;
        _ready -= count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Whether there is something to hand out; more has to be received if not.</summary>
    private bool TryMakeReady()
    {
        if (_passing == 0 && _left == 0 && !TryBeginMessage())
        {
            return false;
        }

        if (_passing > 0)
        {
            _ready = (int)Math.Min(_passing, Raw);
            _passing -= _ready;
            return _ready > 0;
        }

        return TryCut();
    }

    private bool TryBeginMessage()
    {
        if (Raw < HeadBytes)
        {
            return false;
        }

        var head = _buffer.AsSpan(_start, HeadBytes);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head[1..]);
        if (head[0] != 0 || length <= PieceBytes || length > maxMessageBytes)
        {
            _passing = HeadBytes + (long)length;
            pieces.Add(isLast: true);
            return true;
        }

        _left = length;
        _start += HeadBytes; // room for the head of the first piece
        _scanned = 0;
        return true;
    }

    private bool TryCut()
    {
        var raw = _buffer.AsSpan(_start, (int)Math.Min(Raw, _left));
        while (_scanned < PieceBytes && _scanned < raw.Length)
        {
            var length = FieldLength(raw[_scanned..]);
            if (length < 0 || length > _left - _scanned)
            {
                PassRest(); // not protobuf, and the decoder rejects it
                return true;
            }

            if (length == 0 || length > raw.Length - _scanned)
            {
                return false;
            }

            _scanned += (int)length;
        }

        if (_scanned < PieceBytes && _scanned < _left)
        {
            return false;
        }

        PutHead(_scanned);
        _ready = HeadBytes + _scanned;
        _left -= _scanned;
        _scanned = 0;
        pieces.Add(isLast: _left == 0);
        return true;
    }

    /// <summary>Makes one message of all that is left of the one that is being cut.</summary>
    private void PassRest()
    {
        if (_left > 0)
        {
            PutHead((int)_left);
            _ready = HeadBytes;
            _passing = _left;
            _left = 0;
            pieces.Add(isLast: true);
        }
    }

    /// <summary>Of the first field with its tag; 0 when that is not known yet, -1 when it is none.</summary>
    private static long FieldLength(ReadOnlySpan<byte> bytes)
    {
        if (!TryReadVarint(bytes, out var tag, out var tagLength))
        {
            return tagLength;
        }

        var rest = bytes[tagLength..];
        switch (tag & 7)
        {
            case 0:
                return TryReadVarint(rest, out _, out var valueLength) ? tagLength + valueLength : valueLength;
            case 1:
                return tagLength + sizeof(ulong);
            case 2:
                if (!TryReadVarint(rest, out var length, out var lengthLength))
                {
                    return lengthLength;
                }

                return length > int.MaxValue ? -1 : tagLength + lengthLength + (long)length;
            case 5:
                return tagLength + sizeof(uint);
            default:
                return -1;
        }
    }

    /// <param name="bytes">Where it begins.</param>
    /// <param name="value">The number.</param>
    /// <param name="length">Its bytes; without a result 0 for "more is needed" and -1 for "is none".</param>
    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, out ulong value, out int length)
    {
        const int MaxLength = 10;
        value = 0;
        for (length = 0; length < Math.Min(bytes.Length, MaxLength); length++)
        {
            value |= (ulong)(bytes[length] & 0x7F) << (7 * length);
            if (bytes[length] < 0x80)
            {
                length++;
                return true;
            }
        }

        length = bytes.Length >= MaxLength ? -1 : 0;
        return false;
    }

    // The bytes in front are those of the head that was taken off, or have been handed out.
    private void PutHead(int length)
    {
        _start -= HeadBytes;
        _buffer[_start] = 0;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_start + 1), length);
    }

    // Keeps the room of a head in front.
    private void MakeRoom()
    {
        if (_start >= HeadBytes && _buffer.Length - _end >= ReadBytes)
        {
            return;
        }

        var raw = _buffer.AsSpan(_start, _end - _start);
        if (_buffer.Length - HeadBytes - raw.Length < ReadBytes)
        {
            var larger = new byte[Math.Max(_buffer.Length * 2, PieceBytes + ReadBytes + HeadBytes)];
            raw.CopyTo(larger.AsSpan(HeadBytes));
            _buffer = larger;
        }
        else
        {
            raw.CopyTo(_buffer.AsSpan(HeadBytes));
        }

        _end = HeadBytes + raw.Length;
        _start = HeadBytes;
    }
}
