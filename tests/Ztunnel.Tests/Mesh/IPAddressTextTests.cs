using System.Net;
using Ztunnel.Mesh;

namespace Ztunnel.Tests.Mesh;

public sealed class IPAddressTextTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.77.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("fd77::A")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("1:2:3:4:5:6:7:8")]
    public void PlainSpelling_IsRead(string text)
    {
        Assert.True(IPAddressText.TryParse(text, out var address));
        Assert.Equal(IPAddress.Parse(text), address);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("127.1")]
    [InlineData("010.0.0.1")]
    [InlineData("10.0.0.01")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("10.0.0.256")]
    [InlineData("10.0.0.1.")]
    [InlineData("10.0.0.0.1")]
    [InlineData("10.0..1")]
    [InlineData(" 10.0.0.1")]
    [InlineData("+1.0.0.1")]
    [InlineData("[::1]")]
    [InlineData("[::1]:80")]
    [InlineData("::1%1")]
    [InlineData("::1/64")]
    [InlineData("::ffff:10.0.0.01")]
    [InlineData(":::")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("12345::")]
    [InlineData("example.com")]
    public void OtherSpelling_IsRefused(string text) => Assert.False(IPAddressText.TryParse(text, out _));
}
