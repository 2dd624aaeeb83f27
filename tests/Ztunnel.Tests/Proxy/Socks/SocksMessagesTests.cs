using System.Text;
using Ztunnel.Proxy.Socks;

namespace Ztunnel.Tests.Proxy.Socks;

public sealed class SocksMessagesTests
{
    private static readonly byte[] Greeting = [5, 3, 2, 1, 0];

    /// <summary>Requests, and where they want to go.</summary>
    public static TheoryData<byte[], string> Requests => new()
    {
        { [5, 1, 0, 1, 192, 0, 2, 1, 0x1f, 0x90], "192.0.2.1:8080" },
        { [5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80], "2001:db8::1:80" },
        { NameRequest("Web.Example."), "web.example:80" },
        { NameRequest("192.0.2.7"), "192.0.2.7:80" }, // an address that is given as a name
        { NameRequest("::1"), "::1:80" },
        { NameRequest(Longest), $"{Longest}:80" },
    };

    private static string Longest => string.Join('.', Enumerable.Repeat(new string('a', 63), 4))[..253];

    [Fact]
    public void Greeting_CutAnywhere_MissesWhatIsStillToCome()
    {
        for (var cut = 0; cut < Greeting.Length; cut++)
        {
            Assert.InRange(SocksMessages.MissingOfGreeting(Greeting.AsSpan(0, cut)), 1, Greeting.Length - cut);
        }

        Assert.Equal(0, SocksMessages.MissingOfGreeting(Greeting));
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public void Request_CutAnywhere_MissesWhatIsStillToCome(byte[] request, string target)
    {
        for (var cut = 0; cut < request.Length; cut++)
        {
            Assert.InRange(SocksMessages.MissingOfRequest(request.AsSpan(0, cut)), 1, request.Length - cut);
        }

        Assert.Equal(0, SocksMessages.MissingOfRequest(request));
        var (address, hostname, port) = SocksMessages.TargetOf(request);
        Assert.Equal(target, $"{address?.ToString() ?? hostname}:{port}");
    }

    [Fact]
    public void Greeting_OfAllMethods_FitsAndWillDo()
    {
        byte[] greeting = [5, 255, .. Enumerable.Range(0, 255).Select(method => (byte)method)];

        Assert.Equal(0, SocksMessages.MissingOfGreeting(greeting));
        Assert.True(greeting.Length <= SocksMessages.MaxLength);
    }

    [Theory]
    [InlineData(new byte[] { 4 })] // SOCKS 4
    [InlineData(new byte[] { (byte)'G' })] // HTTP
    [InlineData(new byte[] { 0x16 })] // TLS
    [InlineData(new byte[] { 5, 0 })]
    [InlineData(new byte[] { 5, 1, 2 })]
    [InlineData(new byte[] { 5, 2, 1, 0xff })]
    public void Greeting_ThatWillNotDo_IsRefused(byte[] greeting) =>
        Assert.Throws<SocksException>(() => SocksMessages.MissingOfGreeting(greeting));

    [Theory]
    [InlineData(new byte[] { 4 }, SocksReplyCode.GeneralFailure)]
    [InlineData(new byte[] { 5, 2 }, SocksReplyCode.CommandNotSupported)]
    [InlineData(new byte[] { 5, 3 }, SocksReplyCode.CommandNotSupported)]
    [InlineData(new byte[] { 5, 0 }, SocksReplyCode.CommandNotSupported)]
    [InlineData(new byte[] { 5, 1, 0, 0 }, SocksReplyCode.AddressTypeNotSupported)]
    [InlineData(new byte[] { 5, 1, 0, 2 }, SocksReplyCode.AddressTypeNotSupported)]
    [InlineData(new byte[] { 5, 1, 0, 5 }, SocksReplyCode.AddressTypeNotSupported)]
    [InlineData(new byte[] { 5, 1, 0, 255 }, SocksReplyCode.AddressTypeNotSupported)]
    internal void Request_ThatWeDoNotDo_IsRefusedByItsCode(byte[] request, SocksReplyCode code) =>
        Assert.Equal(code, Assert.Throws<SocksException>(() => SocksMessages.MissingOfRequest(request)).Code);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData(".a")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("\u00e4.example")]
    [InlineData("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example")] // 64 octets
    public void Name_ThatIsNobodys_IsUnreachable(string name)
    {
        var request = NameRequest(name);

        Assert.Equal(0, SocksMessages.MissingOfRequest(request));
        var e = Assert.Throws<SocksException>(() => SocksMessages.TargetOf(request));
        Assert.Equal(SocksReplyCode.HostUnreachable, e.Code);
    }

    [Fact]
    public void Name_TooLong_IsUnreachable()
    {
        var e = Assert.Throws<SocksException>(() => SocksMessages.TargetOf(NameRequest($"{Longest}aa")));

        Assert.Equal(SocksReplyCode.HostUnreachable, e.Code);
    }

    [Fact]
    public void AnyOctets_AreReadWithinBounds()
    {
        var random = new Random(1);
        var message = new byte[SocksMessages.MaxLength];
        for (var i = 0; i < 200_000; i++)
        {
            random.NextBytes(message);
            message[0] = 5;
            message[1] = (byte)(i % 4 == 0 ? message[1] : 1);
            message[3] = (byte)(i % 8 == 0 ? message[3] : random.Next(5));
            var length = 0;
            try
            {
                while (SocksMessages.MissingOfRequest(message.AsSpan(0, length)) is > 0 and var missing)
                {
                    length += missing;
                }

                SocksMessages.TargetOf(message.AsSpan(0, length));
            }
            catch (SocksException)
            {
                // One of the refusals.
            }
        }
    }

    private static byte[] NameRequest(string name)
    {
        var octets = Encoding.UTF8.GetBytes(name);
        return [5, 1, 0, 3, (byte)octets.Length, .. octets, 0, 80];
    }
}
