using System.Net;
using Hbone.Tls;
using Ztunnel.Policy;
using static Ztunnel.Tests.Policy.Policies;

namespace Ztunnel.Tests.Policy;

/// <summary>Statements A3 (data path) and R3 (control plane): every field and its negation, three callers.</summary>
public class PolicyTruthTableTests
{
    /// <summary>A match, its negation, and whether the first holds for plaintext, client and other.</summary>
    private static readonly Dictionary<string, Row> Rows = new()
    {
        ["namespace exact"] = Namespace(Exact("default"), plaintext: false, client: true, other: false),
        ["namespace prefix"] = Namespace(Prefix("de"), plaintext: false, client: true, other: false),
        ["namespace suffix"] = Namespace(Suffix("op"), plaintext: false, client: false, other: true),
        ["namespace presence"] = Namespace(Presence(), plaintext: false, client: true, other: true),
        ["namespace exact empty"] = Namespace(Exact(""), plaintext: true, client: false, other: false),
        ["namespace prefix empty"] = Namespace(Prefix(""), plaintext: true, client: true, other: true),
        ["namespace suffix empty"] = Namespace(Suffix(""), plaintext: true, client: true, other: true),
        ["principal exact"] = Principal(Exact("cluster.local/ns/default/sa/client"), client: true, other: false),
        ["principal with scheme"] = Principal(Exact($"{Client}"), client: false, other: false),
        ["principal prefix"] = Principal(Prefix("other.domain/"), client: false, other: true),
        ["principal suffix"] = Principal(Suffix("/sa/client"), client: true, other: false),
        ["principal presence"] = Principal(Presence(), client: true, other: true),
        ["principal exact empty"] = Principal(Exact(""), client: false, other: false),
        ["principal prefix empty"] = Principal(Prefix(""), client: true, other: true),
        ["principal suffix empty"] = Principal(Suffix(""), client: true, other: true),
        ["service account"] = Account("default", "client", client: true),
        ["service account of another namespace"] = Account("shop", "client", client: false),
        ["other service account"] = Account("default", "web", client: false),
        ["service account empty"] = Account("", "", client: false),
        ["source inside"] = Source("10.0.0.0/24", true),
        ["source outside"] = Source("10.0.1.0/24", false),
        ["destination inside"] = Destination("127.0.0.1/24", true),
        ["destination outside"] = Destination("10.0.0.0/24", false),
        ["destination port"] = Port(8080, true),
        ["other port"] = Port(40_000, false),
    };

    public static TheoryData<string> Names => [.. Rows.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A3_R3_Field_PlaintextAndTwoIdentities(string name)
    {
        var row = Rows[name];

        Assert.Equal(row.Plaintext, row.Positive.Matches(Plaintext));
        Assert.Equal(row.Client, row.Positive.Matches(FromClient));
        Assert.Equal(row.Other, row.Positive.Matches(FromOther));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A3_R3_Negation_IsTheOppositeForEveryCaller(string name)
    {
        var row = Rows[name];

        Assert.Equal(!row.Plaintext, row.Negative.Matches(Plaintext));
        Assert.Equal(!row.Client, row.Negative.Matches(FromClient));
        Assert.Equal(!row.Other, row.Negative.Matches(FromOther));
    }

    [Fact]
    public void A3_R3_ServiceAccount_IgnoresTheTrustDomain()
    {
        var match = new PolicyMatch { ServiceAccounts = [new ServiceAccountMatch("default", "client")] };

        Assert.True(match.Matches(Plaintext with { Identity = new SpiffeId("elsewhere", "default", "client") }));
    }

    private static Row Namespace(StringMatch match, bool plaintext, bool client, bool other) =>
        new(
            new PolicyMatch { Namespaces = [match] },
            new PolicyMatch { NotNamespaces = [match] },
            plaintext, client, other);

    private static Row Principal(StringMatch match, bool client, bool other) =>
        new(
            new PolicyMatch { Principals = [match] },
            new PolicyMatch { NotPrincipals = [match] },
            Plaintext: false, client, other);

    private static Row Account(string ns, string name, bool client)
    {
        var match = new ServiceAccountMatch(ns, name);
        return new(
            new PolicyMatch { ServiceAccounts = [match] },
            new PolicyMatch { NotServiceAccounts = [match] },
            Plaintext: false, client, Other: false);
    }

    private static Row Source(string cidr, bool matches) =>
        new(
            new PolicyMatch { SourceIps = [IPNetwork.Parse(cidr)] },
            new PolicyMatch { NotSourceIps = [IPNetwork.Parse(cidr)] },
            matches, matches, matches);

    private static Row Destination(string cidr, bool matches) =>
        new(
            new PolicyMatch { DestinationIps = [IPNetwork.Parse(cidr)] },
            new PolicyMatch { NotDestinationIps = [IPNetwork.Parse(cidr)] },
            matches, matches, matches);

    private static Row Port(ushort port, bool matches) =>
        new(
            new PolicyMatch { DestinationPorts = [port] },
            new PolicyMatch { NotDestinationPorts = [port] },
            matches, matches, matches);

    private sealed record Row(PolicyMatch Positive, PolicyMatch Negative, bool Plaintext, bool Client, bool Other);
}
