using System.Buffers;
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;

namespace Hbone.Tests.Proxying.ProxyProtocol;

/// <summary>What holds for every header and every sequence of octets.</summary>
[Properties(Arbitrary = [typeof(Generators)])]
public class ProxyHeaderPropertyTests
{
    [Property(MaxTest = 1_000)]
    public void WriteThenRead_AnyHeaderInAnyTwoPieces_SameHeader(ProxyHeader header, byte[] after, ushort place)
    {
        byte[] octets = [.. ProxyHeaderWriter.Write(header), .. after];
        var cut = place % (octets.Length + 1);
        var buffer = Pieces.Of(octets[..cut], octets[cut..]);

        Assert.True(ProxyHeaderReader.TryRead(ref buffer, out var read));

        Assert.Equal(header, read);
        Assert.Equal(after, buffer.ToArray());
    }

    [Property(MaxTest = 2_000)]
    public void TryRead_DamagedHeader_HeaderOrWaitOrProxyProtocolException(ProxyHeader header, byte damage, ushort place)
    {
        var octets = ProxyHeaderWriter.Write(header);
        octets[place % octets.Length] ^= damage;
        var buffer = new ReadOnlySequence<byte>(octets);
        try
        {
            var isRead = ProxyHeaderReader.TryRead(ref buffer, out var read);

            Assert.Equal(isRead, read is not null);
            Assert.True(isRead || buffer.Length == octets.Length);
        }
        catch (ProxyProtocolException)
        {
            // The one permitted failure.
        }
    }

    public static class Generators
    {
        private static readonly Gen<IPEndPoint> End =
            from length in Gen.Elements(4, 16)
            from octets in Gen.Choose(0, 255).ArrayOf(length)
            from port in Gen.Choose(0, 65_535)
            select new IPEndPoint(new IPAddress([.. octets.Select(octet => (byte)octet)]), port);

        private static readonly Gen<string> Segment = Gen.Choose(0, 300).Select(length => new string('x', length));

        private static readonly Gen<SpiffeId?> Identity = Gen.Frequency(
            (1, Gen.Constant<SpiffeId?>(null)),
            (3, from trustDomain in Segment
                from ns in Segment
                from serviceAccount in Segment
                select (SpiffeId?)new SpiffeId(trustDomain, ns, serviceAccount)));

        public static Arbitrary<ProxyHeader> Header() => Arb.From(Gen.Frequency(
            (1, Gen.Constant(ProxyHeader.Local)),
            (1, Identity.Select(ProxyHeader.WithoutAddresses)),
            (8, from source in End
                from destination in End
                from identity in Identity
                select ProxyHeader.Of(source, destination, identity))));
    }
}
