using System.Net;
using Ztunnel.Mesh.Routing;

namespace Ztunnel.Tests.Mesh.Routing;

/// <summary>Data-path 4.3 check 2 and its measurements in section 15.</summary>
public sealed class HboneAuthorityTests
{
    [Theory]
    [InlineData("10.77.0.2:7007", "10.77.0.2", 7007)]
    [InlineData("[fd77::2]:80", "fd77::2", 80)]
    [InlineData("[::ffff:10.77.0.2]:80", "::ffff:10.77.0.2", 80)]
    [InlineData("10.77.0.2:0", "10.77.0.2", 0)]
    [InlineData("10.77.0.2:65535", "10.77.0.2", 65535)]
    public void Address_IsRead(string text, string address, int port)
    {
        var authority = HboneAuthority.TryParse(text);

        Assert.Equal(IPAddress.Parse(address), authority?.Address);
        Assert.Null(authority?.Hostname);
        Assert.Equal((ushort)port, authority?.Port);
        Assert.Equal(text, authority?.ToString());
    }

    [Theory]
    [InlineData("web.example.com:80", "web.example.com")]
    [InlineData("Web.Example.com.:80", "Web.Example.com.")]
    [InlineData("*.example.com:80", "*.example.com")]
    [InlineData("localhost:80", "localhost")]
    [InlineData("10.0.0.300:80", "10.0.0.300")]
    public void Hostname_IsReadAsItCame(string text, string hostname)
    {
        var authority = HboneAuthority.TryParse(text);

        Assert.Equal(hostname, authority?.Hostname);
        Assert.Null(authority?.Address);
        Assert.Equal(text, authority?.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("h")]
    [InlineData(":80")]
    [InlineData("10.77.0.2")]
    [InlineData("10.77.0.2:")]
    [InlineData("10.77.0.2:99999")]
    [InlineData("10.77.0.2:65536")]
    [InlineData("10.77.0.2:http")]
    [InlineData("10.77.0.2:+80")]
    [InlineData("10.77.0.2: 80")]
    [InlineData("10.77.0.2:08000")]
    [InlineData("10.77.0.2:00")]
    [InlineData("010.1.1.1:80")]
    [InlineData("10.1.1.01:80")]
    [InlineData("x@10.77.0.1:8000")]
    [InlineData("web example.com:80")]
    [InlineData("web/example:80")]
    [InlineData("[v6]")]
    [InlineData("[fd77::2]")]
    [InlineData("[fd77::2:80")]
    [InlineData("fd77::2:80")]
    [InlineData("[10.77.0.2]:80")]
    [InlineData("[fe80::1%1]:80")]
    [InlineData("[]:80")]
    [InlineData("h\u00e4st:80")]
    [InlineData("h\0st:80")]
    public void AnythingElse_IsRefused(string text) => Assert.Null(HboneAuthority.TryParse(text));

    [Fact]
    public void Hostname_LongerThanDnsAllows_IsRefused()
    {
        Assert.NotNull(HboneAuthority.TryParse(new string('a', 253) + ":80"));
        Assert.Null(HboneAuthority.TryParse(new string('a', 254) + ":80"));
    }

    [Fact]
    public void RandomText_NeverThrowsAndReadsBackAsItself()
    {
        var random = new Random(11);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new string(random.GetItems<char>("[]:.0123456789abf%@-*", random.Next(24)));
            if (HboneAuthority.TryParse(text) is { } authority)
            {
                Assert.Equal(authority, HboneAuthority.TryParse(authority.ToString()));
            }
        }
    }
}
