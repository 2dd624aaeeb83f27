using System.Net;
using Ztunnel.Mesh;

namespace Ztunnel.Tests.Mesh;

public sealed class CidrTests
{
    [Theory]
    [InlineData("127.0.0.1/24", "127.0.0.0/24")] // A4: the reference takes host bits too
    [InlineData("10.0.0.1", "10.0.0.1/32")]
    [InlineData("fd77::1", "fd77::1/128")]
    [InlineData("10.255.255.255/9", "10.128.0.0/9")]
    [InlineData("1.2.3.4/0", "0.0.0.0/0")]
    [InlineData("1.2.3.4/32", "1.2.3.4/32")]
    [InlineData("fd77:ffff::1/17", "fd77:8000::/17")]
    [InlineData("::1/0", "::/0")]
    public void Text_IsReadAndMasked(string text, string expected)
    {
        Assert.True(Cidr.TryParse(text, out var network));
        Assert.Equal(expected, network.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/+1")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/8/8")]
    [InlineData("10.0.0/8")]
    [InlineData("fd77::/129")]
    [InlineData("web/8")]
    public void OtherText_IsRefused(string text) => Assert.False(Cidr.TryParse(text, out _));

    [Fact]
    public void Containing_HoldsTheAddressForEveryLength()
    {
        var address = IPAddress.Parse("fd77:1234:5678:9abc:def0:1357:9bdf:2468");
        for (var length = 0; length <= 128; length++)
        {
            Assert.True(Cidr.Containing(address, length).Contains(address));
        }
    }
}
