using System.Net;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 2.4 and 4.6.</summary>
public sealed class ForwardedHeaderTests
{
    [Theory]
    [InlineData("127.0.0.1:80", null, "for=\"127.0.0.1:80\"")]
    [InlineData("[::1]:80", null, "for=\"[::1]:80\"")]
    [InlineData("127.0.0.1:80", "example.com", "for=\"127.0.0.1:80\";host=example.com")]
    public void O19_Format_ClientAndHost(string client, string? host, string expected) =>
        Assert.Equal(expected, ForwardedHeader.Format(IPEndPoint.Parse(client), host));

    [Theory]
    [InlineData("a\r\nb")]
    [InlineData("\0")]
    public void Format_HostThatNoHeaderMayHold_IsLeftOut(string host) =>
        Assert.Equal("for=\"127.0.0.1:80\"", ForwardedHeader.Format(IPEndPoint.Parse("127.0.0.1:80"), host));

    [Theory]
    [InlineData("for=10.77.0.1;host=b.example.com", "b.example.com")]
    [InlineData("for=10.77.0.1;host=\"b.example.com\"", "b.example.com")]
    [InlineData("for=10.77.0.1 ; host=b.example.com ;host=c.example.com", "b.example.com")]
    [InlineData("host=\"\"b.example.com\"\"", "\"b.example.com\"")]
    [InlineData("host=\"", "\"")]
    public void I8_Host_PlainOrQuoted_IsFound(string header, string expected) =>
        Assert.Equal(expected, ForwardedHeader.ParseHost(header));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("for=10.77.0.1")]
    [InlineData("host=")]
    [InlineData("host=\"\"")]
    [InlineData("Host=b.example.com")]
    [InlineData("xhost=b.example.com")]
    [InlineData("host=b\u00fc.example.com")]
    [InlineData("for=\u00fc;host=b.example.com")]
    public void I8_Host_MissingEmptyOrNotAscii_None(string? header) => Assert.Null(ForwardedHeader.ParseHost(header));
}
