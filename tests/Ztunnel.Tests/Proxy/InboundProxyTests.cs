using System.Net;
using System.Text;
using Hbone.Tls;
using Ztunnel.Config;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Proxy;

/// <summary>Port 15008 as peers reach it (data-path 4).</summary>
public sealed class InboundProxyTests
{
    private static readonly SpiffeId Alice = new("cluster.local", "default", "alice");

    /// <summary>I6, RFC 9110 section 5.5: text above ASCII goes out as UTF-8, as the reference sends it.</summary>
    [Theory]
    [InlineData("Z\u00fcrich \u2713")]
    [InlineData("\ud83d\ude00")]
    public async Task I6_AnswerBaggage_AboveAscii_IsUtf8(string region)
    {
        await using var inbound = new InboundListener(
            new ProxyOptions(), workload: pod => pod with { Locality = new(region, "z", "") });
        using var application = InboundFixture.Listen();
        var (connection, _) = await inbound.ConnectAsync(Alice, IPAddress.Loopback);

        var answer = await InboundListener.RequestAsync(connection, application);

        Assert.Equal(200, answer.Status);
        var octets = Encoding.Latin1.GetBytes(answer.Headers.Single(field => field.Name == "baggage").Value);
        Assert.Contains($",cloud.region={region},", Encoding.UTF8.GetString(octets), StringComparison.Ordinal);
        await connection.DisposeAsync();
    }

    /// <summary>Data-path 4.1 and 11: the text is there once, whoever begins with it.</summary>
    [Theory]
    [InlineData("signing error: no answer from the CA in 30 s", "signing error: no answer from the CA in 30 s")]
    [InlineData("signing gRPC error (Unavailable): gone", "signing error: signing gRPC error (Unavailable): gone")]
    public async Task CertificateNotSigned_AccessLog_SaysSoOnce(string error, string logged)
    {
        var authority = new FakeAuthority();
        await using var inbound = new InboundListener(new ProxyOptions(), authority: authority);
        using var peer = await inbound.DialAsync(IPAddress.Loopback);

        (await authority.NextCallAsync()).Fail(error);

        var line = Assert.Single(await inbound.AccessLogAsync());
        Assert.Contains($"error=\"{logged}\"", line, StringComparison.Ordinal);
    }
}
