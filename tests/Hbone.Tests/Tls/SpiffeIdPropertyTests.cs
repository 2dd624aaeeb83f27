using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Tls;

namespace Hbone.Tests.Tls;

/// <summary>What holds for every identity and every text.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class SpiffeIdPropertyTests
{
    [Property(MaxTest = 1_000)]
    public void ToStringThenParse_AnySegments_SameId(SpiffeId id) => Assert.Equal(id, SpiffeId.Parse(id.ToString()));

    [Property(MaxTest = 1_000)]
    public void TryParse_AnyTextNearAnId_ReadOnlyIfItSaysTheSame(SpiffeId id, char letter, ushort place, bool replace)
    {
        var text = id.ToString();
        var at = place % text.Length;
        var damaged = text[..at] + letter + text[(replace ? at + 1 : at)..];

        if (SpiffeId.TryParse(damaged, out var read))
        {
            Assert.Equal(damaged, read.ToString());
        }
        else
        {
            Assert.Throws<FormatException>(() => SpiffeId.Parse(damaged));
        }
    }

    public static class Generators
    {
        private static readonly Gen<string> Segment = Gen.OneOf(
            Gen.Elements("cluster.local", "default", "", "ns", "sa", "%2f", "\u00e9", "a b", "spiffe:"),
            Gen.Choose(' ', '~').Where(code => code != '/').ArrayOf().Select(
                codes => string.Concat(codes.Select(code => (char)code))));

        public static Arbitrary<SpiffeId> Id() => Arb.From(
            from trustDomain in Segment
            from ns in Segment
            from serviceAccount in Segment
            select new SpiffeId(trustDomain, ns, serviceAccount));
    }
}
