using System.Buffers;
using System.Net;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;

namespace Hbone.Tests.Proxying.ProxyProtocol;

/// <summary>Headers of any sender; HAProxy's "The PROXY protocol", section 2.2.</summary>
public class ProxyHeaderReaderTests
{
    private const string Signature = "0d0a0d0a000d0a515549540a";
    private const string IPv4Ends = "0a0000010a000105c0010050";
    private const string IdentityValue = "d000157370696666653a2f2f74642f6e732f6e2f73612f73";

    private static readonly SpiffeId Identity = new("td", "n", "s");

    private static readonly ProxyHeader Header = ProxyHeader.Of(
        new IPEndPoint(IPAddress.Parse("10.0.0.1"), 49153), new IPEndPoint(IPAddress.Parse("10.0.1.5"), 80), Identity);

    public static TheoryData<int> Cuts => [.. Enumerable.Range(0, ProxyHeaderWriter.Write(Header).Length)];

    [Theory]
    [MemberData(nameof(Cuts))]
    public void TryRead_CutAnywhere_WaitsThenArrivesWhole(int cut)
    {
        byte[] octets = [.. ProxyHeaderWriter.Write(Header), .. "user bytes"u8];
        var part = new ReadOnlySequence<byte>(octets, 0, cut);
        var whole = Pieces.Of(octets[..cut], octets[cut..]);

        Assert.False(ProxyHeaderReader.TryRead(ref part, out _));
        Assert.True(ProxyHeaderReader.TryRead(ref whole, out var header));

        Assert.Equal(cut, part.Length);
        Assert.Equal(Header, header);
        Assert.Equal("user bytes"u8, whole.ToArray());
    }

    [Fact]
    public void TryRead_TypesOfOthers_AreSkipped()
    {
        // NOOP of 2 octets, ours, then SSL (0x20) with nothing in it.
        var header = Read(Signature + "2111" + "002c" + IPv4Ends + "040002ffff" + IdentityValue + "200000");

        Assert.Equal(Header, header);
    }

    [Fact]
    public void TryRead_LongestPossible_IsTaken()
    {
        var octets = new byte[16 + 65_535];
        Convert.FromHexString(Signature + "2100ffff" + "eefffc").CopyTo(octets, 0);
        var buffer = Pieces.Of(octets[..20], octets[20..], [1]);

        Assert.True(ProxyHeaderReader.TryRead(ref buffer, out var header));

        Assert.Equal(ProxyHeader.WithoutAddresses(null), header);
        Assert.Equal(1, buffer.Length);
    }

    [Theory]
    [InlineData("2000" + "0000")]
    [InlineData("2011" + "000c" + IPv4Ends)]
    [InlineData("20ff" + "0003" + "ffffff")]
    public void TryRead_Local_SkipsWhateverFollows(string rest) => Assert.Same(ProxyHeader.Local, Read(Signature + rest));

    [Fact]
    public void TryRead_Unspecified_HasNoAddresses() =>
        Assert.Equal(ProxyHeader.WithoutAddresses(Identity), Read(Signature + "2101" + "0018" + IdentityValue));

    [Theory]
    [InlineData("00", "signature")] // refused at the first wrong octet
    [InlineData("50524f585920", "signature")] // version 1
    [InlineData(Signature + "11", "0x11")] // version 1 in version 2's clothes
    [InlineData(Signature + "22", "0x22")] // no such command
    [InlineData(Signature + "2112" + "000c" + IPv4Ends, "0x12")] // UDP
    [InlineData(Signature + "2131" + "0000", "0x31")] // a UNIX socket
    [InlineData(Signature + "2111" + "000b" + "0a0000010a000105c00100", "addresses need 12")]
    [InlineData(Signature + "2121" + "0000", "addresses need 36")]
    [InlineData(Signature + "2101" + "0002" + "d000", "longer than the 2 octets left")]
    [InlineData(Signature + "2101" + "0004" + "0100026c", "longer than the 4 octets left")]
    [InlineData(Signature + "2101" + "0004" + "d0000178", "0xd0")] // "x"
    [InlineData(Signature + "2101" + "0004" + "d00001ff", "0xd0")] // no ASCII
    [InlineData(Signature + "2101" + "0030" + IdentityValue + IdentityValue, "0xd0")] // two
    public void TryRead_Malformed_SaysWhat(string octets, string told)
    {
        var e = Assert.Throws<ProxyProtocolException>(() => Read(octets));

        Assert.Contains(told, e.Message, StringComparison.Ordinal);
    }

    private static ProxyHeader Read(string octets)
    {
        var buffer = new ReadOnlySequence<byte>(Convert.FromHexString(octets));
        Assert.True(ProxyHeaderReader.TryRead(ref buffer, out var header));
        Assert.True(buffer.IsEmpty);
        return header;
    }
}
