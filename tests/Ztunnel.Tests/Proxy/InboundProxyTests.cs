using System.Net;
using System.Text;
using Hbone.Http2.Hpack;
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

    /// <summary>4.6: what the caller says of itself counts where the mesh does not know it, and only in this mode.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task I6_I7_Baggage_BothWaysUnlessSwitchedOff(bool? enabled)
    {
        var options = new ProxyOptions();
        options = enabled is { } chosen ? options with { ResponseBaggage = chosen } : options;
        await using var inbound = new InboundListener(
            options, workload: pod => pod with { ClusterId = options.ClusterId });
        using var application = InboundFixture.Listen();
        var (connection, _) = await inbound.ConnectAsync(Alice, IPAddress.Parse("127.0.0.7"));

        var answer = await InboundListener.RequestAsync(
            connection, application, new HeaderField("baggage", "k8s.namespace.name=theirs,k8s.deployment.name=claimed"));

        Assert.Equal(200, answer.Status);
        Assert.Equal(
            enabled is false ? [] : ["k8s.cluster.name=Kubernetes,k8s.namespace.name=ns1"],
            answer.Headers.Where(field => field.Name == "baggage").Select(field => field.Value));
        var source = enabled is false ? "unknown" : "claimed";
        Assert.Contains($"source_workload=\"{source}\"", await inbound.ScrapeAsync(), StringComparison.Ordinal);
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
