using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.Config;
using static Ztunnel.Tests.Config.Options;

namespace Ztunnel.Tests.Config;

/// <summary>Section 8.3 of the control plane, against the recorded dump of a dedicated proxy.</summary>
public class ConfigDumpConfigWriterTests
{
    private static readonly JsonObject Recorded =
        JsonNode.Parse(Fixtures.Fixture.Read("config_dump", "twopods-b.json"))!["config"]!.AsObject();

    /// <summary>Differ on purpose: a library's internals, an order, and what Kiali wants as text or object.</summary>
    private static readonly string[] Different =
    [
        "dnsResolverCfg", "dnsResolverOpts", "requireOriginalSource", "proxyWorkloadInformation", "caRootCert",
        "xdsRootCert", "illegalPorts",
    ];

    /// <summary>The environment of the recording.</summary>
    private static readonly ProxyOptions LikeTheRecording = From(
        ("PROXY_MODE", "dedicated"), ("PROXY_WORKLOAD_INFO", "shop/b/b"), ("NODE_NAME", "node-b"),
        ("CLUSTER_ID", "cluster1"), ("FAKE_CA", "true"), ("CA_ADDRESS", ""), ("XDS_ADDRESS", ""),
        ("ISTIO_META_DNS_CAPTURE", "false"), ("ENABLE_ORIG_SRC", "false"), ("PACKET_MARK", "1337"));

    [Fact]
    public void Line_IsTheObjectInOneLineWithoutTheValuesOfHeaders()
    {
        var line = ConfigDumpConfigWriter.LineOf(LikeTheRecording with
        {
            Xds = LikeTheRecording.Xds with { Headers = [new("authorization", "Bearer abc123")] },
        });

        Assert.DoesNotContain('\n', line);
        Assert.DoesNotContain("abc123", line, StringComparison.Ordinal);
        var written = JsonNode.Parse(line)!.AsObject();
        Assert.Equal("""[["authorization","(not shown)"]]""", written["xdsHeaders"]!.ToJsonString());
        written["xdsHeaders"] = new JsonArray();
        Assert.True(JsonNode.DeepEquals(Dump(LikeTheRecording), written));
    }

    [Fact]
    public void Write_SameEnvironment_SameKeysInTheSameOrder() =>
        Assert.Equal(Recorded.Select(entry => entry.Key), DumpLikeTheRecording().Select(entry => entry.Key));

    [Fact]
    public void Write_SameEnvironment_SameValues()
    {
        var ours = DumpLikeTheRecording();

        foreach (var (key, value) in Recorded.Where(entry => !Different.Contains(entry.Key)))
        {
            Assert.True(JsonNode.DeepEquals(value, ours[key]), $"{key}: {value} expected, {ours[key]} written");
        }

        Assert.Equal(
            Recorded["illegalPorts"]!.AsArray().Select(port => (int)port!).Order(),
            ours["illegalPorts"]!.AsArray().Select(port => (int)port!).Order());
    }

    [Fact]
    public void Write_TypesThatKialiReads()
    {
        var ours = DumpLikeTheRecording();

        Assert.Equal("false", (string?)ours["requireOriginalSource"]);
        Assert.Equal("shop/b/b", (string?)ours["proxyWorkloadInformation"]);
        Assert.Equal("./var/run/secrets/istio/root-cert.pem", (string?)ours["caRootCert"]!["File"]);
        Assert.Null(Dump(From())["requireOriginalSource"]);
        Assert.Null(Dump(From())["proxyWorkloadInformation"]);
        foreach (var roots in (string[])["SYSTEM", "-----BEGIN CERTIFICATE-----"])
        {
            Assert.IsType<JsonObject>(Dump(From(("XDS_ROOT_CA", roots)))["xdsRootCert"]);
        }
    }

    [Fact]
    public void Write_WhatTheRecordingLacks()
    {
        var ours = Dump(From(
            ("IPV6_ENABLED", "false"), ("UNSTABLE_ENABLE_SOCKS5", "true"), ("PACKET_MARK", "0"),
            ("XDS_HEADER_FOO", "bar"), ("SECRET_TTL", "1500ms"), ("ISTIO_META_DNS_PROXY_ADDR", "127.0.0.2:53"),
            ("XDS_ADDRESS", "istiod:15012"), ("CA_ADDRESS", "istiod:15012"), ("ALT_CA_HOSTNAME", "alt"),
            ("POD_NAME", "z"), ("POD_NAMESPACE", "ns"), ("SERVICE_ACCOUNT", "sa")));

        Assert.Equal("""{"Localhost":[false,15000]}""", ours["adminAddr"]!.ToJsonString());
        Assert.Equal("0.0.0.0:15008", (string?)ours["inboundAddr"]);
        Assert.Equal("127.0.0.1:15080", (string?)ours["socks5Addr"]);
        Assert.Null(ours["packetMark"]);
        Assert.Equal("""[["foo","bar"]]""", ours["xdsHeaders"]!.ToJsonString());
        Assert.Equal("""{"nanos":500000000,"secs":1}""", ours["secretTtl"]!.ToJsonString());
        Assert.Equal("""{"SocketAddr":"127.0.0.2:53"}""", ours["dnsProxyAddr"]!.ToJsonString());
        Assert.Equal("https://istiod:15012", (string?)ours["xdsAddress"]);
        Assert.Equal("alt", (string?)ours["altCaHostname"]);
        Assert.Equal("spiffe://cluster.local/ns/ns/sa/sa", (string?)ours["ztunnelIdentity"]);
        Assert.Equal("z", (string?)ours["ztunnelWorkload"]!["name"]);
        Assert.Equal("Shared", (string?)ours["proxyMode"]);
    }

    [Fact]
    public void Write_Secrets_AreNot()
    {
        var ours = Dump(From(("AUTH_TOKEN", "the-token"), ("LOCAL_XDS", "the-mesh"))).ToJsonString();

        Assert.DoesNotContain("the-token", ours, StringComparison.Ordinal);
        Assert.DoesNotContain("the-mesh", ours, StringComparison.Ordinal);
    }

    private static JsonObject DumpLikeTheRecording() =>
        Dump(LikeTheRecording with { ProxyArguments = "proxy ztunnel" });

    private static JsonObject Dump(ProxyOptions options)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            ConfigDumpConfigWriter.Write(json, options);
        }

        return JsonNode.Parse(Encoding.UTF8.GetString(buffer.ToArray()))!.AsObject();
    }
}
