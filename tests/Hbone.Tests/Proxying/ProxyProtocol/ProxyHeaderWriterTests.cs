using System.Net;
using Hbone.Proxying.ProxyProtocol;
using Hbone.Tls;

namespace Hbone.Tests.Proxying.ProxyProtocol;

/// <summary>Octets of the header; data-path 4.7 and 14.16.</summary>
public class ProxyHeaderWriterTests
{
    private const string Signature = "0d0a0d0a000d0a515549540a";
    private static readonly SpiffeId Identity = new("td", "n", "s");

    // "spiffe://td/ns/n/sa/s" is 21 octets.
    private const string IdentityValue = "d00015" + "7370696666653a2f2f74642f6e732f6e2f73612f73";

    [Fact]
    public void Write_IPv4_Golden() => AssertWritten(
        Signature + "21" + "11" + "0024" + "0a000001" + "0a000105" + "c001" + "0050" + IdentityValue,
        ProxyHeader.Of(End("10.0.0.1", 49153), End("10.0.1.5", 80), Identity));

    [Fact]
    public void Write_IPv6_Golden() => AssertWritten(
        Signature + "21" + "21" + "003c"
            + "fd000000000000000000000000000001" + "fd000000000000000000000000000002" + "0001" + "ffff" + IdentityValue,
        ProxyHeader.Of(End("fd00::1", 1), End("fd00::2", 65535), Identity));

    [Fact]
    public void Write_WithoutIdentity_EndsAfterThePorts() => AssertWritten(
        Signature + "21" + "11" + "000c" + "0a000001" + "0a000105" + "c001" + "0050",
        ProxyHeader.Of(End("10.0.0.1", 49153), End("10.0.1.5", 80), identity: null));

    [Fact]
    public void Write_WithoutAddresses_IsUnspecifiedStream() => AssertWritten(
        Signature + "21" + "01" + "0018" + IdentityValue, ProxyHeader.WithoutAddresses(Identity));

    [Fact]
    public void Write_Local_IsTheFixedPart() => AssertWritten(Signature + "20" + "00" + "0000", ProxyHeader.Local);

    [Fact]
    public void Write_SourceMappedByADualStackSocket_IsIPv4() => AssertWritten(
        Signature + "21" + "11" + "000c" + "0a000001" + "0a000105" + "c001" + "0050",
        ProxyHeader.Of(End("::ffff:10.0.0.1", 49153), End("10.0.1.5", 80), identity: null));

    [Fact]
    public void Write_FamiliesDiffer_TheIPv4EndIsMapped() => AssertWritten(
        Signature + "21" + "21" + "0024"
            + "00000000000000000000ffff0a000001" + "fd000000000000000000000000000002" + "c001" + "0050",
        ProxyHeader.Of(End("10.0.0.1", 49153), End("fd00::2", 80), identity: null));

    [Fact]
    public void Write_ScopedAddress_LosesItsScope() => Assert.Equal(
        End("fe80::1", 1), ProxyHeader.Of(End("fe80::1%3", 1), End("fd00::2", 80), identity: null).Source);

    [Theory]
    [InlineData("\u00e4", 1)]
    [InlineData("a", 65_535)]
    public void Write_IdentityThatDoesNotFit_Refused(string letter, int count)
    {
        var identity = new SpiffeId(string.Concat(Enumerable.Repeat(letter, count)), "n", "s");

        Assert.Throws<ArgumentException>(() => ProxyHeaderWriter.Write(ProxyHeader.WithoutAddresses(identity)));
    }

    private static IPEndPoint End(string address, int port) => new(IPAddress.Parse(address), port);

    private static void AssertWritten(string octets, ProxyHeader header) =>
        Assert.Equal(octets, Convert.ToHexStringLower(ProxyHeaderWriter.Write(header)));
}
