using System.Collections.Immutable;
using System.Net;
using Ztunnel.Policy;
using static Ztunnel.Tests.Policy.Policies;

namespace Ztunnel.Tests.Policy;

/// <summary>Statements A1, A2, A4 and A5 of the data path, R1, R2 and R4 of the control plane.</summary>
public class PolicyMatcherTests
{
    private static readonly PolicyMatch NoFields = new();

    [Fact]
    public void A1_R1_MatchWithoutFields_NeverMatches()
    {
        Assert.False(NoFields.Matches(FromClient));
        Assert.False(Clause(NoFields).Matches(FromClient));
        Assert.False(Deny("p", When(NoFields)).Matches(FromClient));
    }

    [Fact]
    public void A1_R1_MatchWithoutFields_IsSkippedBesideOthers() =>
        Assert.True(Clause(NoFields, Always).Matches(Plaintext));

    [Fact]
    public void A1_R1_ClauseWithoutMatches_Matches() => Assert.True(Clause().Matches(Plaintext));

    [Fact]
    public void A1_R1_RuleWithoutClauses_Matches() => Assert.True(Rule().Matches(Plaintext));

    [Fact]
    public void A1_R1_PolicyWithoutRules_NeverMatches() => Assert.False(Deny("p").Matches(Plaintext));

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void A2_R2_MatchesOr_ClausesAnd_RulesOr(bool first, bool second)
    {
        var (a, b) = (first ? Always : Never, second ? Always : Never);

        Assert.Equal(first || second, Clause(a, b).Matches(FromClient));
        Assert.Equal(first && second, Rule(Clause(a), Clause(b)).Matches(FromClient));
        Assert.Equal(first || second, Deny("p", When(a), When(b)).Matches(FromClient));
    }

    [Fact]
    public void A2_R2_FieldPairs_And()
    {
        var both = new PolicyMatch { DestinationPorts = [8080], Namespaces = [Exact("default")] };

        Assert.True(both.Matches(FromClient));
        Assert.False(both.Matches(FromOther));
        Assert.False((both with { DestinationPorts = [8081] }).Matches(FromClient));
    }

    [Fact]
    public void A2_R2_PositiveAndNegativeOfOnePair_BothHold()
    {
        var match = new PolicyMatch { Namespaces = [Prefix("")], NotNamespaces = [Exact("shop")] };

        Assert.True(match.Matches(FromClient));
        Assert.True(match.Matches(Plaintext));
        Assert.False(match.Matches(FromOther));
    }

    [Fact]
    public void A2_R2_EntriesOfOneList_Or()
    {
        Assert.True(new PolicyMatch { DestinationPorts = [80, 8080] }.Matches(Plaintext));
        Assert.True(new PolicyMatch { SourceIps = [Cidr("1.1.1.1/32"), Cidr("10.0.0.0/8")] }.Matches(Plaintext));
        Assert.True(new PolicyMatch { Namespaces = [Exact("x"), Exact("default")] }.Matches(FromClient));
    }

    [Theory]
    [InlineData("127.0.0.1/24", "127.0.0.1", true)]
    [InlineData("127.0.0.1/24", "127.0.0.255", true)]
    [InlineData("127.0.0.1/24", "127.0.1.1", false)]
    [InlineData("127.0.0.1/32", "127.0.0.1", true)]
    [InlineData("127.0.0.1/32", "127.0.0.2", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1", false)]
    [InlineData("::/0", "2001:db8::1", true)]
    [InlineData("::/0", "203.0.113.9", false)]
    [InlineData("::ffff:0.0.0.0/96", "203.0.113.9", false)]
    [InlineData("2001:db8::/32", "2001:db8:1::1", true)]
    [InlineData("2001:db8::/32", "2001:db9::1", false)]
    public void A4_R3_Cidr_ContainsAddressesOfItsFamily(string cidr, string address, bool contained)
    {
        var endPoint = new IPEndPoint(IPAddress.Parse(address), 8080);
        var (to, from) = (Plaintext with { Destination = endPoint }, Plaintext with { Source = endPoint });
        ImmutableArray<IPNetwork> cidrs = [Cidr(cidr)];

        Assert.Equal(contained, new PolicyMatch { DestinationIps = cidrs }.Matches(to));
        Assert.Equal(!contained, new PolicyMatch { NotDestinationIps = cidrs }.Matches(to));
        Assert.Equal(contained, new PolicyMatch { SourceIps = cidrs }.Matches(from));
        Assert.Equal(!contained, new PolicyMatch { NotSourceIps = cidrs }.Matches(from));
    }

    [Theory]
    [InlineData(nameof(StringMatchKind.Exact), "abc", "abc", true)]
    [InlineData(nameof(StringMatchKind.Exact), "abc", "abcd", false)]
    [InlineData(nameof(StringMatchKind.Exact), "abc", "ABC", false)]
    [InlineData(nameof(StringMatchKind.Exact), "abc", "", false)]
    [InlineData(nameof(StringMatchKind.Exact), "", "", true)]
    [InlineData(nameof(StringMatchKind.Prefix), "abc", "abc", true)]
    [InlineData(nameof(StringMatchKind.Prefix), "abc", "abcd", true)]
    [InlineData(nameof(StringMatchKind.Prefix), "abc", "xabc", false)]
    [InlineData(nameof(StringMatchKind.Prefix), "abc", "Abcd", false)]
    [InlineData(nameof(StringMatchKind.Prefix), "abc", "", false)]
    [InlineData(nameof(StringMatchKind.Prefix), "", "", true)]
    [InlineData(nameof(StringMatchKind.Suffix), "abc", "abc", true)]
    [InlineData(nameof(StringMatchKind.Suffix), "abc", "xabc", true)]
    [InlineData(nameof(StringMatchKind.Suffix), "abc", "abcd", false)]
    [InlineData(nameof(StringMatchKind.Suffix), "abc", "xabC", false)]
    [InlineData(nameof(StringMatchKind.Suffix), "abc", "", false)]
    [InlineData(nameof(StringMatchKind.Suffix), "", "x", true)]
    [InlineData(nameof(StringMatchKind.Presence), "", "x", true)]
    [InlineData(nameof(StringMatchKind.Presence), "", "", false)]
    public void A5_R4_StringMatch_Table(string kind, string value, string text, bool matches) =>
        Assert.Equal(matches, new StringMatch(Enum.Parse<StringMatchKind>(kind), value).Matches(text));

    private static IPNetwork Cidr(string text) => IPNetwork.Parse(text);
}
