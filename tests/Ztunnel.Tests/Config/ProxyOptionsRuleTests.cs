using System.Net;
using Hbone.Tls;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Config.Options;

namespace Ztunnel.Tests.Config;

/// <summary>What follows from a variable beyond its value, and which variables exclude each other.</summary>
public class ProxyOptionsRuleTests
{
    [Fact]
    public void Duration_BeyondTimers_IsCutOff()
    {
        var options = From(("CONNECTION_TERMINATION_DEADLINE", "9999d"), ("HBONE_CONNECT_TIMEOUT", "9999d"));

        Assert.Equal(int.MaxValue, options.ConnectionTerminationDeadline.TotalMilliseconds);
        Assert.Equal(int.MaxValue, options.Pool.ConnectTimeout.TotalMilliseconds);
    }

    [Theory]
    [InlineData("0", 1)]
    [InlineData("1", 1)]
    [InlineData("2", 1)]
    [InlineData("3", 2)]
    [InlineData("10", 9)]
    [InlineData("11", 6)]
    [InlineData("30", 25)]
    [InlineData("18446744073709551615", 2_147_483)]
    public void GracePeriod_LeavesTimeToEnd(string gracePeriod, int seconds) =>
        Assert.Equal(
            seconds,
            (int)From(("TERMINATION_GRACE_PERIOD_SECONDS", gracePeriod)).ConnectionTerminationDeadline.TotalSeconds);

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("30s")]
    [InlineData("18446744073709551616")]
    public void GracePeriod_NotANumber_StopsTheStart(string value) =>
        AssertRefused("TERMINATION_GRACE_PERIOD_SECONDS", value);

    [Fact]
    public void Deadline_Explicit_BeatsTheGracePeriod()
    {
        var options = From(("CONNECTION_TERMINATION_DEADLINE", "0s"), ("TERMINATION_GRACE_PERIOD_SECONDS", "30"));

        Assert.Equal(TimeSpan.Zero, options.ConnectionTerminationDeadline);
    }

    [Fact]
    public void ProxyMode_Dedicated_NeedsItsWorkload()
    {
        var options = From(("PROXY_MODE", "dedicated"), ("PROXY_WORKLOAD_INFO", "shop/web-0/web"));

        Assert.Equal(ProxyMode.Dedicated, options.Mode);
        Assert.Equal(new WorkloadInfo("web-0", "shop", "web"), options.DedicatedWorkload);
        var missing = Assert.Throws<ConfigurationException>(() => From(("PROXY_MODE", "dedicated")));
        Assert.Equal("PROXY_WORKLOAD_INFO", missing.Setting);
    }

    [Theory]
    [InlineData("")]
    [InlineData("shop")]
    [InlineData("shop/web-0")]
    [InlineData("shop/web-0/web/x")]
    [InlineData("shop//web")]
    public void WorkloadInfo_NotThreeParts_StopsTheStart(string value)
    {
        var error = Assert.Throws<ConfigurationException>(
            () => From(("PROXY_MODE", "dedicated"), ("PROXY_WORKLOAD_INFO", value)));

        Assert.Equal("PROXY_WORKLOAD_INFO", error.Setting);
    }

    [Fact]
    public void ProxyMode_Shared_IgnoresTheWorkload() =>
        Assert.Null(From(("PROXY_MODE", "shared"), ("PROXY_WORKLOAD_INFO", "shop/web-0/web")).DedicatedWorkload);

    [Theory]
    [InlineData("")]
    [InlineData("Shared")]
    [InlineData("sidecar")]
    public void ProxyMode_AnythingElse_StopsTheStart(string value) => AssertRefused("PROXY_MODE", value);

    [Theory]
    [InlineData("shared", null, 1337u)]
    [InlineData("dedicated", null, null)]
    [InlineData("shared", "0", null)]
    [InlineData("dedicated", "1337", 1337u)]
    [InlineData("shared", "7", 7u)]
    public void PacketMark_DefaultDependsOnTheMode_ZeroIsNone(string mode, string? mark, uint? expected)
    {
        List<(string, string)> variables = [("PROXY_MODE", mode), ("PROXY_WORKLOAD_INFO", "a/b/c")];
        if (mark is not null)
        {
            variables.Add(("PACKET_MARK", mark));
        }

        Assert.Equal(expected, From([.. variables]).PacketMark);
    }

    [Fact]
    public void OriginalSource_Unset_IsUndecided() => Assert.Null(From().OriginalSource);

    [Fact]
    public void OwnIdentity_NeedsAllThree()
    {
        var options = From(
            ("POD_NAME", "ztunnel-x"), ("POD_NAMESPACE", "istio-system"), ("SERVICE_ACCOUNT", "ztunnel"),
            ("TRUST_DOMAIN", "td"));

        Assert.Equal(new WorkloadInfo("ztunnel-x", "istio-system", "ztunnel"), options.OwnWorkload);
        Assert.Equal(new SpiffeId("td", "istio-system", "ztunnel"), options.OwnIdentity);
        Assert.Null(From(("POD_NAME", "ztunnel-x"), ("POD_NAMESPACE", "istio-system")).OwnIdentity);
    }

    [Fact]
    public void Ipv6_Disabled_BindsToIpv4()
    {
        Assert.Equal(IPAddress.IPv6Any, From().AnyAddress);
        Assert.Equal(IPAddress.Any, From(("IPV6_ENABLED", "false")).AnyAddress);
    }

    [Fact]
    public void IllegalPorts_OwnDataPorts()
    {
        var (plain, socks) = (From(), From(("UNSTABLE_ENABLE_SOCKS5", "true")));

        Assert.Equal([15008, 15006, 15001], plain.IllegalPorts);
        Assert.Equal([15008, 15006, 15001, 15080], socks.IllegalPorts);
        Assert.All(socks.IllegalPorts, port => Assert.True(socks.IsIllegalPort(port)));
        Assert.False(plain.IsIllegalPort(15080));
        Assert.False(plain.IsIllegalPort(15000));
    }

    [Fact]
    public void LogFormat_OnlyJsonIsJson()
    {
        Assert.Equal(LogFormat.Json, From(("LOG_FORMAT", "json")).LogFormat);
        Assert.Equal(LogFormat.Plain, From(("LOG_FORMAT", "plain")).LogFormat);
        Assert.Equal(LogFormat.Plain, From(("LOG_FORMAT", "JSON")).LogFormat);
    }

    [Fact]
    public void LocalMesh_PathAndText_StopsTheStart()
    {
        var error = Assert.Throws<ConfigurationException>(() => From(("LOCAL_XDS", "a: b"), ("LOCAL_XDS_PATH", "f")));

        Assert.Contains("LOCAL_XDS_PATH", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NeitherProxyNorDns_StopsTheStart()
    {
        Assert.False(From(("ENABLE_PROXY", "false")).ProxyEnabled);
        Assert.Throws<ConfigurationException>(
            () => From(("ENABLE_PROXY", "false"), ("ISTIO_META_DNS_CAPTURE", "false")));
    }

    [Fact]
    public void CompliancePolicy_OnlyPqcIsKnown()
    {
        var (pqc, other) = (From(("COMPLIANCE_POLICY", "pqc")), From(("COMPLIANCE_POLICY", "fips-140-2")));

        Assert.True(pqc.PostQuantumOnly);
        Assert.Empty(pqc.Warnings);
        Assert.False(other.PostQuantumOnly);
        Assert.Contains("fips-140-2", Assert.Single(other.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void UserTimeout_CoversAllProbes()
    {
        var options = From(
            ("KEEPALIVE_TIME", "10s"), ("KEEPALIVE_INTERVAL", "5s"), ("KEEPALIVE_RETRIES", "2"),
            ("USER_TIMEOUT_ENABLED", "true"));

        Assert.True(options.KeepAlive.UserTimeoutEnabled);
        Assert.Equal(TimeSpan.FromSeconds(20), options.KeepAlive.UserTimeout);
    }

    /// <summary>Control-plane 2.6.</summary>
    [Fact]
    public void OnDemand_WithDnsProxy_StopsTheStart() =>
        Assert.Contains(
            "XDS_ON_DEMAND",
            Assert.Throws<ConfigurationException>(() => From(("XDS_ON_DEMAND", "true"))).Message,
            StringComparison.Ordinal);
}
