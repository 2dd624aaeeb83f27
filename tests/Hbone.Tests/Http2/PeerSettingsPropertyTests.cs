using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>RFC 9113 section 6.5.2, for every SETTINGS payload.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class PeerSettingsPropertyTests
{
    private const int HeaderLength = 9;
    private const int EntryLength = 6;

    [Property(MaxTest = 500)]
    public void Section6_5_3_LegalEntries_TheLastOfEachCounts(LegalEntries entries)
    {
        var settings = PeerSettings.Initial.With(entries.Payload, peerIsServer: true);

        Assert.Equal(
            new PeerSettings(
                (int)Math.Min(entries.Last(1) ?? 4_096, int.MaxValue),
                settings.SmallestHeaderTableSize, // of one frame only, and tested with it
                (int)Math.Min(entries.Last(3) ?? int.MaxValue, int.MaxValue),
                (int)(entries.Last(4) ?? 65_535),
                (int)(entries.Last(5) ?? 16_384)),
            settings);
    }

    [Property(MaxTest = 500)]
    public void Section6_5_3_LegalEntriesInTwoFrames_AsInOne(LegalEntries entries, int at)
    {
        var cut = (int)((uint)at % (uint)((entries.Payload.Length / EntryLength) + 1)) * EntryLength;

        var apart = PeerSettings.Initial
            .With(entries.Payload.AsSpan(..cut), peerIsServer: true)
            .With(entries.Payload.AsSpan(cut..), peerIsServer: true);

        var whole = PeerSettings.Initial.With(entries.Payload, peerIsServer: true);
        Assert.Equal(whole, apart with { SmallestHeaderTableSize = whole.SmallestHeaderTableSize });
    }

    [Property(MaxTest = 2_000)]
    public void Section6_5_2_AnyOctets_LegalValuesOrTheErrorOfTheRfc(byte[] payload, bool peerIsServer)
    {
        if (payload.Length > 1)
        {
            payload[0] = 0; // most identifiers would be unknown ones
            payload[1] %= 8;
        }

        try
        {
            var settings = PeerSettings.Initial.With(payload, peerIsServer);

            Assert.Equal(0, payload.Length % EntryLength);
            Assert.InRange(settings.HeaderTableSize, 0, int.MaxValue);
            Assert.InRange(settings.MaxConcurrentStreams, 0, int.MaxValue);
            Assert.InRange(settings.InitialWindowSize, 0, int.MaxValue);
            Assert.InRange(settings.MaxFrameSize, 16_384, 16_777_215);
        }
        catch (Http2ConnectionException e)
        {
            Assert.Contains(
                e.Code,
                payload.Length % EntryLength != 0
                    ? [Http2ErrorCode.FrameSizeError]
                    : new[] { Http2ErrorCode.ProtocolError, Http2ErrorCode.FlowControlError });
        }
    }

    /// <summary>Entries that any server may send, unknown ones among them.</summary>
    public sealed class LegalEntries
    {
        private readonly (int Id, uint Value)[] _entries;

        internal LegalEntries((int Id, uint Value)[] entries) => _entries = entries;

        internal byte[] Payload => RawFrame.Settings(_entries)[HeaderLength..];

        internal uint? Last(int id) =>
            _entries.Any(entry => entry.Id == id) ? _entries.Last(entry => entry.Id == id).Value : null;

        public override string ToString() => string.Join(' ', _entries);
    }

    public static class Generators
    {
        private static readonly Gen<uint> Number = Gen.OneOf(
            Gen.Choose(0, 100_000).Select(value => (uint)value),
            Gen.Elements<uint>(0, 1, int.MaxValue, 1u << 31, uint.MaxValue));

        private static readonly Gen<(int Id, uint Value)> Entry =
            from id in Gen.Frequency((6, Gen.Choose(1, 6)), (1, Gen.Choose(7, 65_535)))
            from number in Number
            from frameSize in Gen.Choose(16_384, 16_777_215)
            select (id, id switch
            {
                2 => 0u,
                4 => number & int.MaxValue,
                5 => (uint)frameSize,
                _ => number,
            });

        public static Arbitrary<LegalEntries> Entries() => Arb.From(
            Entry.ArrayOf().Select(entries => new LegalEntries(entries)));
    }
}
