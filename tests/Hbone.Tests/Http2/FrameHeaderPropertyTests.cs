using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>RFC 9113 section 4.1, for every header.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class FrameHeaderPropertyTests
{
    [Property(MaxTest = 1_000)]
    public void Section4_1_WriteThenRead_SameHeader(Octets header)
    {
        var octets = new byte[FrameHeader.Length];

        header.Value.Write(octets);

        Assert.Equal(header.Value, FrameHeader.Read(octets));
    }

    [Property(MaxTest = 1_000)]
    public void Section4_1_ReadThenWrite_SameOctetsButTheReservedBit(byte[] nine)
    {
        Array.Resize(ref nine, FrameHeader.Length);
        var again = new byte[FrameHeader.Length];

        FrameHeader.Read(nine).Write(again);

        nine[5] &= 0x7f;
        Assert.Equal(nine, again);
    }

    /// <summary>A header, which the properties cannot name because it is internal.</summary>
    public sealed class Octets
    {
        internal Octets(FrameHeader value) => Value = value;

        internal FrameHeader Value { get; }

        public override string ToString() => Value.ToString();
    }

    public static class Generators
    {
        public static Arbitrary<Octets> Header() => Arb.From(
            from length in Gen.Choose(0, (1 << 24) - 1)
            from type in Gen.Choose(0, 255)
            from flags in Gen.Choose(0, 255)
            from streamId in Gen.Choose(0, int.MaxValue)
            select new Octets(new FrameHeader(length, (FrameType)type, (byte)flags, streamId)));
    }
}
