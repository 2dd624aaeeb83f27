using System.Globalization;
using System.Numerics;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Fixtures;

namespace Node.Tests.Recordings;

/// <summary>
/// <c>/config_dump</c> of a running proxy against <c>fixtures/config_dump/twopods-{a,b}.json</c>: the same mesh, and
/// certificate entries of the same shape that tell the truth about their certificates.
/// </summary>
[Collection<JsonAccessReplay>]
public sealed class ConfigDumpReplayTests(JsonAccessReplay replay)
{
    // What follows from the environment that both were started with. Not proxyWorkloadInformation: Kiali reads text
    // there, and drops its page for the object that the reference writes (node-integration 6.3).
    private static readonly string[] ConfigMembers =
    [
        "adminAddr", "clusterDomain", "clusterId", "connectionWindowSize", "dnsProxy", "fakeCa", "frameSize",
        "inboundAddr", "inboundPlaintextAddr", "ipv6Enabled", "localNode", "network", "outboundAddr", "packetMark",
        "poolMaxStreamsPerConn", "poolUnusedReleaseTimeout", "proxy", "proxyMode",
        "readinessAddr", "secretTtl", "selfTerminationDeadline", "socks5Addr", "statsAddr", "windowSize",
    ];

    public static MatrixTheoryData<string, string> Sections { get; } = new(
        ["a", "b"], ["workloads", "services", "stagedServices", "policies", "staticConfig"]);

    [Theory]
    [MemberData(nameof(Sections))]
    public void Section_IsTheSame(string pod, string section)
    {
        var (recorded, dump) = Dumps(pod);

        AssertSame(recorded[section], dump[section]);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Sections_AreTheSameOnes(string pod)
    {
        var (recorded, dump) = Dumps(pod);

        // Ours has one more, for what connections may be waiting for.
        Assert.Equal([.. Names(recorded), "missingPolicies"], [.. Names(dump).Except(["missingPolicies"]), "missingPolicies"]);
        Assert.Empty(dump["missingPolicies"]!.AsArray());
        Assert.Equal(Names(recorded["version"]), Names(dump["version"]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Config_HasTheSameValuesWhereToolsLook(string pod)
    {
        var (recorded, dump) = Dumps(pod);

        Assert.All(ConfigMembers, name => AssertSame(recorded["config"]![name], dump["config"]![name]));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    public void Certificates_HaveTheSameShapeAndTellTheTruth(string pod)
    {
        var (recorded, dump) = Dumps(pod);
        var expected = Assert.Single(recorded["certificates"]!.AsArray())!;
        var entry = Assert.Single(dump["certificates"]!.AsArray())!;

        Assert.Equal(Names(expected), Names(entry));
        AssertSame(expected["identity"], entry["identity"]);
        AssertSame(expected["state"], entry["state"]);
        foreach (var list in (string[])["certChain", "rootCerts"])
        {
            var certificate = Assert.Single(entry[list]!.AsArray())!;
            Assert.Equal(Names(Assert.Single(expected[list]!.AsArray())), Names(certificate));
            AssertTrue(certificate);
        }
    }

    private static void AssertTrue(JsonNode entry)
    {
        var pem = Encoding.ASCII.GetString(Convert.FromBase64String(entry["pem"]!.GetValue<string>()));
        using var certificate = X509Certificate2.CreateFromPem(pem);
        var serial = new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true);

        Assert.Equal(serial.ToString(CultureInfo.InvariantCulture), entry["serialNumber"]!.GetValue<string>());
        Assert.Equal(Text(certificate.NotBefore), entry["validFrom"]!.GetValue<string>());
        Assert.Equal(Text(certificate.NotAfter), entry["expirationTime"]!.GetValue<string>());

        static string Text(DateTime time) =>
            time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }

    private static void AssertSame(JsonNode? recorded, JsonNode? ours) =>
        Assert.True(
            JsonNode.DeepEquals(recorded, ours), $"expected {recorded?.ToJsonString()}, got {ours?.ToJsonString()}");

    private static string[] Names(JsonNode? node) =>
        [.. node!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal)];

    private (JsonNode Recorded, JsonNode Ours) Dumps(string pod) => (
        JsonNode.Parse(Fixture.Read("config_dump", $"twopods-{pod}.json"))!,
        JsonNode.Parse(pod == "a" ? replay.ConfigDump.A : replay.ConfigDump.B)!);
}
