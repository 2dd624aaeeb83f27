using Ztunnel.Config;
using static Ztunnel.Tests.Config.Options;

namespace Ztunnel.Tests.Config;

/// <summary>Statements C1 to C6 and C9 of the control plane: mesh config, metadata, addresses, headers.</summary>
public class ProxyOptionsSourceTests
{
    private static readonly ProxyConfig MeshConfig =
        ProxyConfig.FromMeshConfig(Fixtures.Fixture.Read("mesh", "mesh_config.yaml"), "mesh_config.yaml");

    [Fact]
    public void C1_MeshConfigPorts_ReadinessStays()
    {
        var options = From(MeshConfig);

        Assert.Equal(15888, options.StatsPort);
        Assert.Equal(15099, options.AdminPort);
        Assert.Equal(15021, options.ReadinessPort);
    }

    [Fact]
    public void C2_Metadata_PrefixStripped_EnvironmentAdded()
    {
        var config = new ProxyConfig { ProxyMetadata = MeshConfig.ProxyMetadata.Add("PLAIN", "kept") };

        var options = From(
            config, ("ISTIO_META_ENV", "added"), ("ISTIO_META_ISTIO_META_TWICE", "once"), ("OTHER", "not added"));

        Assert.Equal(
            new Dictionary<string, string>
            {
                ["FOO"] = "foo",
                ["FOOBAR"] = "foobar",
                ["PLAIN"] = "kept",
                ["ENV"] = "added",
                ["TWICE"] = "once",
            },
            options.ProxyMetadata);
    }

    [Fact]
    public void C2_Metadata_EnvironmentWins() =>
        Assert.Equal("env", From(MeshConfig, ("ISTIO_META_FOO", "env")).ProxyMetadata["FOO"]);

    [Fact]
    public void C2_JsonMetadata_KeptAsJson_OthersSkipped()
    {
        var options = From(("ISTIO_METAJSON_LABELS", """{"a":"b"}"""), ("ISTIO_METAJSON_BROKEN", "{"));

        Assert.Equal("""{"a":"b"}""", Assert.Single(options.JsonMetadata, entry => entry.Key == "LABELS").Value);
        Assert.Single(options.JsonMetadata);
        Assert.Contains("ISTIO_METAJSON_BROKEN", Assert.Single(options.Warnings), StringComparison.Ordinal);
        Assert.Empty(options.ProxyMetadata);
    }

    [Fact]
    public void C3_ProxyConfigVariable_OverridesByField_AndMetadataByKey()
    {
        var options = From(
            MeshConfig,
            ("PROXY_CONFIG", """{"statsPort": 15999, "proxyMetadata": {"ISTIO_META_FOO": "bar", "NEW": "1"}}"""));

        Assert.Equal(15999, options.StatsPort);
        Assert.Equal(15099, options.AdminPort);
        Assert.Equal("bar", options.ProxyMetadata["FOO"]);
        Assert.Equal("foobar", options.ProxyMetadata["FOOBAR"]);
        Assert.Equal("1", options.ProxyMetadata["NEW"]);
    }

    [Fact]
    public void C3_ProxyConfigVariable_EmptyIsIgnored() =>
        Assert.Equal(15888, From(MeshConfig, ("PROXY_CONFIG", "")).StatsPort);

    [Fact]
    public void C4_ClusterId_FromMetadataVariable()
    {
        Assert.Equal("Kubernetes", From().ClusterId);
        Assert.Equal("own", From(("CLUSTER_ID", "own")).ClusterId);
        Assert.Equal("meta", From(("CLUSTER_ID", "own"), ("ISTIO_META_CLUSTER_ID", "meta")).ClusterId);
    }

    [Fact]
    public void C4_ClusterId_NotFromProxyMetadata() =>
        Assert.Equal(
            "Kubernetes", From(("PROXY_CONFIG", "proxyMetadata: {ISTIO_META_CLUSTER_ID: other}")).ClusterId);

    [Theory]
    [InlineData("istiod.istio-system.svc:15012", "https://istiod.istio-system.svc:15012")]
    [InlineData("https://istiod:15012", "https://istiod:15012")]
    [InlineData("http://127.0.0.1:15010", "http://127.0.0.1:15010")]
    public void C5_Address_WithoutSchemeIsHttps(string text, string expected)
    {
        Assert.Equal(expected, From(("PROXY_CONFIG", $"discoveryAddress: {text}")).XdsAddress?.OriginalString);
        Assert.Equal(expected, From(("XDS_ADDRESS", text)).XdsAddress?.OriginalString);
        Assert.Equal(expected, From(("CA_ADDRESS", text)).CaAddress?.OriginalString);
    }

    [Fact]
    public void C5_Address_Precedence()
    {
        var config = new ProxyConfig { DiscoveryAddress = "discovery:15012" };

        Assert.Equal("xds", From(config, ("XDS_ADDRESS", "xds:1")).XdsAddress?.Host);
        Assert.Equal("discovery", From(config, ("KUBERNETES_SERVICE_HOST", "")).XdsAddress?.Host);
        Assert.Equal("istiod.istio-system.svc", From(("KUBERNETES_SERVICE_HOST", "10.0.0.1")).XdsAddress?.Host);
        Assert.Equal("localhost", From().XdsAddress?.Host);
        Assert.Equal("localhost", From(config).CaAddress?.Host);
    }

    [Fact]
    public void C5_Address_EmptyIsOff()
    {
        Assert.Null(From(new ProxyConfig { DiscoveryAddress = "discovery:15012" }, ("XDS_ADDRESS", "")).XdsAddress);
        Assert.Null(From(("CA_ADDRESS", ""), ("FAKE_CA", "true")).CaAddress);
        Assert.Throws<ConfigurationException>(() => From(("CA_ADDRESS", "")));
    }

    [Theory]
    [InlineData("XDS_ADDRESS", "istiod:99999")]
    [InlineData("XDS_ADDRESS", "https://")]
    [InlineData("CA_ADDRESS", "is tiod:15012")]
    public void C5_Address_NotAnAddress_StopsTheStart(string name, string value) =>
        Assert.Equal(name, Assert.Throws<ConfigurationException>(() => From((name, value))).Setting);

    [Fact]
    public void C6_Headers_TwoSets()
    {
        var options = From(
            ("XDS_HEADER_FOO", "foo"), ("XDS_HEADER_X-Bar_1", "b a r"), ("CA_HEADER_BAZ", ""), ("HEADER_NONE", "x"));

        Assert.Equal([new("foo", "foo"), new("x-bar_1", "b a r")], options.Xds.Headers);
        Assert.Equal([new("baz", "")], options.Ca.Headers);
    }

    [Theory]
    [InlineData("XDS_HEADER_", "x")]
    [InlineData("XDS_HEADER_A B", "x")]
    [InlineData("XDS_HEADER_A:", "x")]
    [InlineData("CA_HEADER_A-BIN", "x")]
    [InlineData("CA_HEADER_A", "secret\n")]
    [InlineData("CA_HEADER_A", "sécret")]
    public void C6_Header_ThatCannotBeSent_StopsTheStart(string name, string value)
    {
        var error = Assert.Throws<ConfigurationException>(() => From((name, value)));

        Assert.Equal(name, error.Setting);
        Assert.DoesNotContain("cret", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:53", null, 53)]
    [InlineData("127.0.0.2:5353", "127.0.0.2", 5353)]
    [InlineData("[::1]:5353", "::1", 5353)]
    public void C9_DnsAddress_Read(string text, string? address, int port)
    {
        var dns = From(("ISTIO_META_DNS_PROXY_ADDR", text)).DnsAddress;

        Assert.Equal(address, dns.Address?.ToString());
        Assert.Equal(port, dns.Port);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("localhost:x")]
    [InlineData("localhost:70000")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("host:53")]
    public void C9_DnsAddress_Bad_ErrorNamesTheValue(string text)
    {
        var error = Assert.Throws<ConfigurationException>(() => From(("ISTIO_META_DNS_PROXY_ADDR", text)));

        Assert.Equal("DNS_PROXY_ADDR", error.Setting);
        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("TRUE", true)]
    [InlineData("false", false)]
    [InlineData("", false)]
    [InlineData("1", false)]
    public void DnsCapture_OnUnlessSaidOtherwise(string value, bool expected)
    {
        Assert.True(From().DnsEnabled);
        Assert.Equal(expected, From(("ISTIO_META_DNS_CAPTURE", value)).DnsEnabled);
    }

    [Fact]
    public void RootCertificates_PathSystemOrPem()
    {
        const string Pem = "-----BEGIN CERTIFICATE-----";
        const string Default = "./var/run/secrets/istio/root-cert.pem";

        Assert.Equal(new(RootCertificateKind.File, Default), From().Xds.RootCertificates);
        Assert.Equal(new(RootCertificateKind.System, ""), From(("XDS_ROOT_CA", "SYSTEM")).Xds.RootCertificates);
        Assert.Equal(new(RootCertificateKind.Inline, Pem), From(("CA_ROOT_CA", Pem)).Ca.RootCertificates);
        Assert.Equal(new(RootCertificateKind.File, "/late.pem"), From(("CA_ROOT_CA", "/late.pem")).Ca.RootCertificates);
    }

    [Fact]
    public void AuthToken_FileLiteralOrProjected()
    {
        const string Projected = "./var/run/secrets/tokens/istio-token";
        var host = new HostFacts(8, path => path is "token");

        Assert.Equal(new AuthTokenSource(Projected, null) { IsOptional = true }, From().AuthToken);
        Assert.Equal(new AuthTokenSource("token", null), OnMachine(host, ("AUTH_TOKEN", "token")).AuthToken);
        Assert.Equal(new AuthTokenSource(null, "other"), OnMachine(host, ("AUTH_TOKEN", "other")).AuthToken);
        Assert.Equal(new AuthTokenSource(null, "ey.a.b"), OnMachine(host, ("AUTH_TOKEN", "ey.a.b")).AuthToken);
    }

    /// <summary>A path that names no file yet is not sent as a token.</summary>
    [Theory]
    [InlineData("/var/run/token")]
    [InlineData("./token")]
    [InlineData("../token")]
    public void AuthToken_FileThatComesLate_IsAFile(string path) =>
        Assert.Equal(new AuthTokenSource(path, null), From(("AUTH_TOKEN", path)).AuthToken);

    [Fact]
    public void AuthToken_NeverShown() =>
        Assert.DoesNotContain("ey.a.b", From(("AUTH_TOKEN", "ey.a.b")).ToString(), StringComparison.Ordinal);
}
