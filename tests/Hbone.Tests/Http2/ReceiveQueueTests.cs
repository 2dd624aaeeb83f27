using Hbone.Http2;
using Hbone.Memory;

namespace Hbone.Tests.Http2;

public sealed class ReceiveQueueTests
{
    private const int SegmentLength = 128 * 1024;

    private readonly MemoryBudget _memory = new(long.MaxValue);
    private readonly ReceiveQueue _queue;

    public ReceiveQueueTests() => _queue = new ReceiveQueue(_memory);

    [Fact]
    public void ShortPieces_OfManySegments_AreCopiedTogether()
    {
        for (var i = 0; i < 40_000; i++)
        {
            Append([(byte)i], isAwaited: false);
        }

        var pieces = TakeAll();

        Assert.All(pieces, piece => Assert.InRange(piece.Length, 1, ReceiveQueue.CopyLength));
        Assert.InRange(pieces.Count, 1, 80);
        Assert.Equal(Enumerable.Range(0, 40_000).Select(i => (byte)i), pieces.SelectMany(p => p));
        Assert.True(_queue.IsEmpty);
    }

    [Fact]
    public void AwaitedPiece_IsHeldWhereItIs()
    {
        var segment = Append([1, 2, 3], isAwaited: true);

        Assert.True(_queue.TryTake(out var piece));

        Assert.Same(segment, piece.Segment);
        Assert.Equal(new byte[] { 1, 2, 3 }, piece.Data.ToArray());
    }

    [Fact]
    public void PiecesOfOneSegment_AreHeldTogether()
    {
        var segment = new ReceiveSegment(SegmentLength, _memory);
        _queue.Append(segment, 0, ReceiveQueue.WorthHolding, isAwaited: false, isTight: false);
        _queue.Append(segment, 40_000, 1, isAwaited: false, isTight: false);

        Assert.True(_queue.TryTake(out _));
        Assert.True(_queue.TryTake(out var second));

        Assert.Same(segment, second.Segment);
    }

    [Fact]
    public void ShortAndLongPieces_KeepTheirOrder()
    {
        var random = new Random(1);
        using var expected = new MemoryStream();
        using var taken = new MemoryStream();
        for (var i = 0; i < 500; i++)
        {
            var piece = new byte[random.Next(3) == 0 ? random.Next(30_000, 40_000) : random.Next(1, 5_000)];
            random.NextBytes(piece);
            expected.Write(piece);
            Append(piece, isAwaited: random.Next(4) == 0);
            if (random.Next(3) == 0 && _queue.TryTake(out var read))
            {
                taken.Write(read.Data.Span);
            }
        }

        TakeAll().ForEach(piece => taken.Write(piece));

        Assert.True(expected.ToArray().AsSpan().SequenceEqual(taken.ToArray()));
    }

    [Fact]
    public void Clear_LeavesNothing()
    {
        Append([1], isAwaited: true);
        Append([2], isAwaited: false);

        _queue.Clear();

        Assert.True(_queue.IsEmpty);
        Assert.False(_queue.TryTake(out _));
    }

    // A segment of its own for each piece, which the read loop lets go at once.
    private ReceiveSegment Append(byte[] bytes, bool isAwaited, bool isTight = false)
    {
        var segment = new ReceiveSegment(SegmentLength, _memory);
        bytes.CopyTo(segment.Array, 7);
        _queue.Append(segment, 7, bytes.Length, isAwaited, isTight);
        segment.Release();
        return segment;
    }

    private List<byte[]> TakeAll()
    {
        List<byte[]> pieces = [];
        while (_queue.TryTake(out var piece))
        {
            pieces.Add(piece.Data.ToArray());
            piece.Segment!.Release();
        }

        return pieces;
    }
}
