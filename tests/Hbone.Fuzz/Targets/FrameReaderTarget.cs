using Hbone.Http2;
using Hbone.Memory;

namespace Hbone.Fuzz.Targets;

/// <summary>Frames, RFC 9113 section 4: the same whether they arrive at once or in pieces.</summary>
internal sealed class FrameReaderTarget : IFuzzTarget
{
    private const int MaxFrameSize = 20_000;
    private const int SegmentLength = 32 * 1024;
    private const int PrefaceLength = 24;

    public string Name => "frames";

    public Mutator Mutator { get; } = new(
        [.. Corpus.Streams("server").Select(stream => stream[PrefaceLength..]), .. Corpus.Streams("client")],
        Frames.LengthAt,
        firstRecord: 0);

    public void Run(byte[] input)
    {
        var random = SequenceRandom.Of(input);
        var whole = Read(input, ref random, longest: SegmentLength);
        var cut = Read(input, ref random, longest: 1 + random.Next(100));
        if (whole != cut)
        {
            throw new FuzzFailure($"whole it means '{whole}', in pieces '{cut}'");
        }
    }

    private static string Read(ReadOnlySpan<byte> rest, ref SequenceRandom random, int longest)
    {
        var handler = new HashingFrameHandler();
        var frames = new FrameReader(handler, MaxFrameSize);
        var input = new ReceiveBuffer(SegmentLength, new MemoryBudget(long.MaxValue));
        try
        {
            while (!rest.IsEmpty)
            {
                var free = input.Free();
                if (free.IsEmpty)
                {
                    throw new FuzzFailure("the reader takes nothing of a full segment");
                }

                var length = Math.Min(Math.Min(rest.Length, free.Length), 1 + random.Next(longest));
                rest[..length].CopyTo(free);
                rest = rest[length..];
                input.Advance(length);
                input.Consume(frames);
                input.ReleaseIfEmpty();
            }

            return $"{handler.Hash} {frames.IsInsideFrame}";
        }
        catch (Http2ConnectionException e)
        {
            return $"{handler.Hash} {e.Code} {e.Message}";
        }
        finally
        {
            input.Release();
        }
    }
}
