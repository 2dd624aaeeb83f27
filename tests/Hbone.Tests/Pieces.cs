using System.Buffers;

namespace Hbone.Tests;

/// <summary>One piece of a sequence of octets that arrived in several.</summary>
internal sealed class Pieces : ReadOnlySequenceSegment<byte>
{
    private Pieces(byte[] octets, Pieces? before)
    {
        Memory = octets;
        if (before is not null)
        {
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }

    /// <summary>The pieces in order; at least one.</summary>
    public static ReadOnlySequence<byte> Of(params byte[][] pieces)
    {
        var first = new Pieces(pieces[0], before: null);
        var last = first;
        foreach (var piece in pieces.AsSpan(1))
        {
            last = new Pieces(piece, last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
