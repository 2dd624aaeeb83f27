using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Http2;
using Hbone.Memory;

namespace Hbone.Tests.Http2;

/// <summary>RFC 9113 sections 4 and 6: what is read does not depend on how it arrives.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class FrameReaderPropertyTests
{
    private const int MaxFrameSize = 20_000;
    private const int SegmentLength = 32 * 1024;

    [Property(MaxTest = 500)]
    public void Section4_ValidFrames_WholeAndCutAnywhere_SameEvents(Exchange exchange)
    {
        Assert.Equal(exchange.Events, EventsOf(exchange.Octets, [exchange.Octets.Length]));
        Assert.Equal(exchange.Events, EventsOf(exchange.Octets, exchange.Cuts));
    }

    [Property(MaxTest = 1_000)]
    public void Section4_DamagedFrames_WholeAndCutAnywhere_SameEventsAndSameError(Exchange exchange, byte damage, int at)
    {
        var octets = exchange.Octets;
        octets[(int)((uint)at % (uint)octets.Length)] ^= damage;

        var whole = OutcomeOf(octets, [octets.Length]);
        var cut = OutcomeOf(octets, exchange.Cuts);

        Assert.Equal(whole, cut);
    }

    private static IReadOnlyList<string> EventsOf(byte[] octets, int[] cuts)
    {
        var found = new RecordingFrameHandler();
        Feed(new FrameReader(found, MaxFrameSize), octets, cuts);
        return found.Events;
    }

    private static string OutcomeOf(byte[] octets, int[] cuts)
    {
        var found = new RecordingFrameHandler();
        var error = "";
        try
        {
            Feed(new FrameReader(found, MaxFrameSize), octets, cuts);
        }
        catch (Http2ConnectionException e)
        {
            error = $"{e.Code} {e.Message}";
        }

        return string.Join('\n', [.. found.Events, error]);
    }

    // As the connection does: what is not taken is offered again with more behind it.
    private static void Feed(FrameReader frames, byte[] octets, int[] cuts)
    {
        var input = new ReceiveBuffer(SegmentLength, new MemoryBudget(long.MaxValue));
        try
        {
            var rest = octets.AsSpan();
            for (var i = 0; !rest.IsEmpty; i++)
            {
                var free = input.Free();
                var length = Math.Min(Math.Min(cuts[i % cuts.Length], rest.Length), free.Length);
                rest[..length].CopyTo(free);
                rest = rest[length..];
                input.Advance(length);
                input.Consume(frames);
                input.ReleaseIfEmpty();
            }
        }
        finally
        {
            input.Release();
        }
    }

    /// <summary>SETTINGS and whatever may follow, what it means, and the lengths of the pieces it arrives in.</summary>
    public sealed class Exchange
    {
        private readonly ModelFrame[] _frames;

        internal Exchange(ModelFrame[] frames, int[] cuts) => (_frames, Cuts) = (frames, cuts);

        internal byte[] Octets => [.. RawFrame.Settings(), .. _frames.SelectMany(f => f.Octets)];

        internal string[] Events => ["settings ", .. _frames.SelectMany(f => f.Events)];

        internal int[] Cuts { get; }

        public override string ToString() => $"{string.Join(", ", Events)} in {string.Join(' ', Cuts)}";
    }

    public static class Generators
    {
        public static Arbitrary<Exchange> Exchange() => Arb.From(
            from frames in ModelFrame.Any.ArrayOf()
            from cuts in Gen.Frequency((3, Gen.Choose(1, 12)), (1, Gen.Choose(1, 9_000))).NonEmptyListOf()
            select new Exchange(frames, [.. cuts]));
    }
}
