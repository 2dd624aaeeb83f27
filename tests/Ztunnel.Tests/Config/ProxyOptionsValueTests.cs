using Ztunnel.Config;
using static Ztunnel.Tests.Config.Options;

namespace Ztunnel.Tests.Config;

/// <summary>Every variable: its default, what it accepts and what stops the start.</summary>
public class ProxyOptionsValueTests
{
    private static readonly Dictionary<string, Func<ProxyOptions, bool?>> Booleans = new()
    {
        ["ENABLE_PROXY"] = options => options.ProxyEnabled,
        ["XDS_ON_DEMAND"] = options => options.XdsOnDemand,
        ["FAKE_CA"] = options => options.FakeCa,
        ["IPV6_ENABLED"] = options => options.Ipv6Enabled,
        ["ENABLE_ORIG_SRC"] = options => options.OriginalSource,
        ["INPOD_PORT_REUSE"] = options => options.InPodPortReuse,
        ["ENABLE_SPLICE"] = options => options.SpliceEnabled,
        ["ENABLE_CONNECT_RETRY"] = options => options.Failover.Retry,
        ["ENABLE_ENDPOINT_EJECTION"] = options => options.Failover.Ejection,
        ["LOCALHOST_APP_TUNNEL"] = options => options.LocalhostAppTunnel,
        ["POOL_DOUBLE_HBONE"] = options => options.PoolDoubleHbone,
        ["ENABLE_RESPONSE_BAGGAGE"] = options => options.ResponseBaggage,
        ["UNSTABLE_ENABLE_SOCKS5"] = options => options.Socks5Enabled,
        ["KEEPALIVE_ENABLED"] = options => options.KeepAlive.Enabled,
        ["USER_TIMEOUT_ENABLED"] = options => options.KeepAlive.UserTimeoutEnabled,
    };

    private static readonly Dictionary<string, Func<ProxyOptions, bool>> Switches = new()
    {
        ["TLS12_ENABLED"] = options => options.Tls12Enabled,
        ["AUTHZ_POLICY_INFO_LOGGING"] = options => options.AuthzPolicyInfoLogging,
    };

    private static readonly Dictionary<string, Func<ProxyOptions, TimeSpan?>> Durations = new()
    {
        ["SECRET_TTL"] = options => options.SecretTtl,
        ["CA_RESPONSE_TIMEOUT"] = options => options.CaResponseTimeout,
        ["CERTIFICATE_EXPIRY_DRAIN_MARGIN"] = options => options.CertificateExpiryDrainMargin,
        ["CONNECTION_TERMINATION_DEADLINE"] = options => options.ConnectionTerminationDeadline,
        ["POOL_UNUSED_RELEASE_TIMEOUT"] = options => options.Pool.UnusedReleaseTimeout,
        ["HBONE_CONNECT_TIMEOUT"] = options => options.Pool.ConnectTimeout,
        ["TLS_HANDSHAKE_TIMEOUT"] = options => options.Pool.TlsHandshakeTimeout,
        ["HBONE_RESPONSE_TIMEOUT"] = options => options.Pool.ResponseTimeout,
        ["KEEPALIVE_TIME"] = options => options.KeepAlive.Time,
        ["KEEPALIVE_INTERVAL"] = options => options.KeepAlive.Interval,
        ["XDS_ON_DEMAND_TIMEOUT"] = options => options.XdsOnDemandTimeout,
        ["UNKNOWN_POLICY_WAIT"] = options => options.UnknownPolicyWait,
        ["STATE_MAX_AGE"] = options => options.StateMaxAge,
        ["STATE_SYNC_WAIT"] = options => options.StateSyncWait,
        ["TRAFFIC_SERIES_EXPIRY"] = options => options.TrafficSeriesExpiry,
        ["ACCESS_LOG_PROGRESS_INTERVAL"] = options => options.AccessLogProgressInterval,
    };

    private static readonly Dictionary<string, Func<ProxyOptions, string?>> Texts = new()
    {
        ["NETWORK"] = options => options.Network,
        ["NODE_NAME"] = options => options.NodeName,
        ["CLUSTER_ID"] = options => options.ClusterId,
        ["ISTIO_META_CLUSTER_ID"] = options => options.ClusterId,
        ["ISTIO_META_ISTIO_VERSION"] = options => options.IstioVersion,
        ["CLUSTER_DOMAIN"] = options => options.ClusterDomain,
        ["TRUST_DOMAIN"] = options => options.TrustDomain,
        ["POD_NAME"] = options => options.PodName,
        ["POD_NAMESPACE"] = options => options.PodNamespace,
        ["INSTANCE_IP"] = options => options.InstanceIp,
        ["ALT_XDS_HOSTNAME"] = options => options.Xds.AlternateHostname,
        ["ALT_CA_HOSTNAME"] = options => options.Ca.AlternateHostname,
        ["LOCAL_XDS_PATH"] = options => options.LocalMeshPath,
        ["LOCAL_XDS"] = options => options.LocalMeshText,
        ["LOCAL_CA_DIR"] = options => options.LocalCaDirectory,
        ["CRL_PATH"] = options => options.CrlPath,
        ["STATE_DIR"] = options => options.StateDirectory,
        ["INPOD_UDS"] = options => options.InPodSocketPath,
        ["RUST_LOG"] = options => options.LogFilter,
        ["PREFERED_SERVICE_NAMESPACE"] = options => options.PreferredServiceNamespace,
    };

    private static readonly Dictionary<string, (Func<ProxyOptions, long?> Value, long Minimum, long Maximum)> Numbers =
        new()
        {
            ["POOL_MAX_STREAMS_PER_CONNECTION"] = (options => options.Pool.MaxStreamsPerConnection, 1, 65_535),
            ["HTTP2_STREAM_WINDOW_SIZE"] = (options => options.Http2.StreamWindowSize, 1, int.MaxValue),
            ["HTTP2_CONNECTION_WINDOW_SIZE"] = (options => options.Http2.ConnectionWindowSize, 65_535, int.MaxValue),
            ["HTTP2_FRAME_SIZE"] = (options => options.Http2.MaxFrameSize, 16_384, 16_777_215),
            ["KEEPALIVE_RETRIES"] = (options => options.KeepAlive.Retries, 0, int.MaxValue),
            ["PACKET_MARK"] = (options => options.PacketMark ?? 0, 0, uint.MaxValue),
        };

    public static TheoryData<string> BooleanNames => [.. Booleans.Keys];

    public static TheoryData<string> SwitchNames => [.. Switches.Keys];

    public static TheoryData<string> DurationNames => [.. Durations.Keys];

    public static TheoryData<string> TextNames => [.. Texts.Keys];

    public static TheoryData<string> NumberNames => [.. Numbers.Keys];

    [Theory]
    [MemberData(nameof(BooleanNames))]
    public void Boolean_TrueOrFalse_Read(string name)
    {
        // On demand excludes the DNS proxy, and without the proxy paths DNS is all there is.
        var dns = ("ISTIO_META_DNS_CAPTURE", name == "XDS_ON_DEMAND" ? "false" : "true");
        Assert.True(Booleans[name](From((name, "true"), dns)));
        Assert.False(Booleans[name](From((name, "false"), dns)));
    }

    [Theory]
    [MemberData(nameof(BooleanNames))]
    public void Boolean_AnythingElse_StopsTheStart(string name)
    {
        foreach (var bad in (string[])["", "1", "0", "True", "FALSE", "yes", " true"])
        {
            AssertRefused(name, bad);
        }
    }

    [Fact]
    public void UnknownPolicy_SkipOrDeny_Read()
    {
        Assert.Equal(UnknownPolicyAction.Skip, From(("UNKNOWN_POLICY", "skip")).UnknownPolicy);
        Assert.Equal(UnknownPolicyAction.Deny, From(("UNKNOWN_POLICY", "deny")).UnknownPolicy);
        foreach (var bad in (string[])["", "Deny", "allow"])
        {
            AssertRefused("UNKNOWN_POLICY", bad);
        }
    }

    [Theory]
    [MemberData(nameof(SwitchNames))]
    public void Switch_OnlyTrueTurnsItOn(string name)
    {
        Assert.True(Switches[name](From((name, "true"))));
        Assert.False(Switches[name](From((name, "1"))));
        Assert.False(Switches[name](From((name, ""))));
        Assert.False(Switches[name](From()));
    }

    [Theory]
    [MemberData(nameof(DurationNames))]
    public void Duration_Read(string name) =>
        Assert.Equal(new TimeSpan(1, 30, 0), Durations[name](From((name, "1h30m"))));

    [Theory]
    [MemberData(nameof(DurationNames))]
    public void Duration_AnythingElse_StopsTheStart(string name)
    {
        foreach (var bad in (string[])["", "soon", "-1s", "10 parsecs", "s"])
        {
            AssertRefused(name, bad);
        }
    }

    [Theory]
    [MemberData(nameof(TextNames))]
    public void Text_TakenAsItIs(string name)
    {
        var text = name == "RUST_LOG" ? " info,xds:debug " : " a/b:c ";
        Assert.Equal(text, Texts[name](From((name, text))));
    }

    [Theory]
    [InlineData("loud")]
    [InlineData("info,xds=")]
    [InlineData("=info")]
    public void LogFilter_ThatIsNone_StopsTheStart(string filter) => AssertRefused("RUST_LOG", filter);

    [Theory]
    [MemberData(nameof(NumberNames))]
    public void Number_WithinBounds_Read(string name)
    {
        var (value, minimum, maximum) = Numbers[name];

        Assert.Equal(minimum, value(From((name, $"{minimum}"))));
        Assert.Equal(maximum, value(From((name, $"{maximum}"))));
    }

    [Theory]
    [MemberData(nameof(NumberNames))]
    public void Number_OutOfBoundsOrNone_StopsTheStart(string name)
    {
        var (_, minimum, maximum) = Numbers[name];
        foreach (var bad in (string[])["", "x", "1.5", "0x10", " 70000", $"{minimum - 1}", $"{maximum + 1}"])
        {
            AssertRefused(name, bad);
        }
    }

    [Fact]
    public void NothingSet_DefaultsOfTheContract()
    {
        var options = From();

        Assert.All(Booleans, entry => Assert.Equal(entry.Key switch
        {
            "ENABLE_PROXY" or "IPV6_ENABLED" or "INPOD_PORT_REUSE" or "LOCALHOST_APP_TUNNEL"
                or "POOL_DOUBLE_HBONE" or "ENABLE_RESPONSE_BAGGAGE" or "ENABLE_SPLICE" or "KEEPALIVE_ENABLED"
                or "ENABLE_CONNECT_RETRY" or "ENABLE_ENDPOINT_EJECTION" => true,
            "ENABLE_ORIG_SRC" => null,
            _ => false,
        }, entry.Value(options)));
        Assert.All(Durations, entry => Assert.Equal(entry.Key switch
        {
            "SECRET_TTL" or "STATE_MAX_AGE" => 86_400.0,
            "CA_RESPONSE_TIMEOUT" => 30,
            "CERTIFICATE_EXPIRY_DRAIN_MARGIN" or "ACCESS_LOG_PROGRESS_INTERVAL" => null,
            "TRAFFIC_SERIES_EXPIRY" => 900,
            "CONNECTION_TERMINATION_DEADLINE" or "XDS_ON_DEMAND_TIMEOUT" or "STATE_SYNC_WAIT" => 5,
            "POOL_UNUSED_RELEASE_TIMEOUT" => 300,
            "UNKNOWN_POLICY_WAIT" => 2,
            "HBONE_RESPONSE_TIMEOUT" => 20,
            "KEEPALIVE_TIME" or "KEEPALIVE_INTERVAL" => 180,
            _ => (double?)10,
        }, entry.Value(options)?.TotalSeconds));
        Assert.All(Texts, entry => Assert.Equal(entry.Key switch
        {
            "NETWORK" or "POD_NAME" or "POD_NAMESPACE" => "",
            "CLUSTER_ID" or "ISTIO_META_CLUSTER_ID" => "Kubernetes",
            "ISTIO_META_ISTIO_VERSION" => "unknown",
            "CLUSTER_DOMAIN" or "TRUST_DOMAIN" => "cluster.local",
            "INSTANCE_IP" => "1.1.1.1",
            "LOCAL_CA_DIR" => "./var/run/secrets/ztunnel-ca",
            "INPOD_UDS" => "/var/run/ztunnel/ztunnel.sock",
            "RUST_LOG" => "info",
            _ => null,
        }, entry.Value(options)));
        Assert.All(Numbers, entry => Assert.Equal(entry.Key switch
        {
            "POOL_MAX_STREAMS_PER_CONNECTION" => 100,
            "HTTP2_STREAM_WINDOW_SIZE" => 4 * 1024 * 1024,
            "HTTP2_CONNECTION_WINDOW_SIZE" => 16 * 1024 * 1024,
            "HTTP2_FRAME_SIZE" => 1024 * 1024,
            "KEEPALIVE_RETRIES" => 9,
            _ => 1337,
        }, entry.Value.Value(options)));
        Assert.Equal(ProxyMode.Shared, options.Mode);
        Assert.Equal(UnknownPolicyAction.Skip, options.UnknownPolicy);
        Assert.Equal(20_000, options.TrafficSeriesMax);
        Assert.Equal((15000, 15020, 15021), (options.AdminPort, options.StatsPort, options.ReadinessPort));
        Assert.Equal(
            (15001, 15006, 15008), (options.OutboundPort, options.InboundPlaintextPort, options.InboundPort));
        Assert.Equal(DnsListenAddress.Default, options.DnsAddress);
        Assert.True(options.DnsEnabled);
        Assert.Empty(options.ProxyMetadata);
        Assert.Empty(options.Warnings);
    }

    [Theory]
    [InlineData("SECRET_TTL")]
    [InlineData("POOL_UNUSED_RELEASE_TIMEOUT")]
    [InlineData("HBONE_CONNECT_TIMEOUT")]
    [InlineData("TLS_HANDSHAKE_TIMEOUT")]
    [InlineData("HBONE_RESPONSE_TIMEOUT")]
    public void Duration_ThatHasToBeAboveZero_ZeroStopsTheStart(string name) => AssertRefused(name, "0s");

    [Theory]
    [InlineData("TRAFFIC_SERIES_EXPIRY")]
    [InlineData("ACCESS_LOG_PROGRESS_INTERVAL")]
    public void Duration_OfSomethingThatCanBeOff_ZeroIsOffAndLittleIsASecond(string name)
    {
        Assert.Null(Durations[name](From((name, "0s"))));
        Assert.Equal(TimeSpan.FromSeconds(1), Durations[name](From((name, "10ms"))));
    }

    [Theory]
    [InlineData("RUST_LOG")]
    [InlineData("CRL_PATH")]
    [InlineData("STATE_DIR")]
    [InlineData("LOCAL_XDS")]
    [InlineData("LOCAL_XDS_PATH")]
    [InlineData("LOCAL_CA_DIR")]
    public void Text_EmptyIsUnset(string name) => Assert.Equal(Texts[name](From()), Texts[name](From((name, ""))));
}
