using System.Net;

namespace Redirection.Tests;

public sealed class MappedAddressExtensionsTests
{
    [Theory]
    [InlineData("[::ffff:10.0.0.1]:80", "10.0.0.1:80")]
    [InlineData("10.0.0.1:80", "10.0.0.1:80")]
    [InlineData("[::1]:80", "[::1]:80")]
    [InlineData("[fe80::1%3]:80", "[fe80::1%3]:80")]
    public void Unmapped_EndPoint_IsIpv4OnlyWhenMapped(string endPoint, string expected)
    {
        var unmapped = IPEndPoint.Parse(endPoint).Unmapped();

        Assert.Equal(IPEndPoint.Parse(expected), unmapped);
        Assert.Equal(unmapped.Address, IPEndPoint.Parse(endPoint).Address.Unmapped());
    }
}
