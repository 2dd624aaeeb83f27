using Ztunnel.Dns;

namespace Ztunnel.Tests.Dns;

/// <summary>What a name may mean: control-plane 6.3.</summary>
public sealed class NameCandidatesTests
{
    private static readonly NameCandidates Candidates = new("cluster.local");

    [Theory]
    [InlineData("name", "name.ns1.svc.cluster.local")]
    [InlineData("name.ns2", "name.ns2.svc.cluster.local", "name.ns2.ns1.svc.cluster.local")]
    [InlineData("name.ns2.svc", "name.ns2.svc.cluster.local", "name.ns2.svc.svc.cluster.local")]
    [InlineData("www.google.com", "www.google.com.svc.cluster.local")]
    [InlineData("pod.name.ns2.svc", "pod.name.ns2.svc.cluster.local")]
    [InlineData("pod.name.ns2.com")]
    [InlineData("name.ns2.svc.cluster.local")]
    public void D1_Expansions_FollowTheNumberOfLabels(string name, params string[] expansions)
    {
        var candidates = Candidates.Of(name, "ns1", searchDomains: []);

        Assert.Equal([name, .. expansions], candidates.Select(candidate => candidate.Name));
        Assert.All(candidates, candidate => Assert.Null(candidate.Stripped));
    }

    [Theory]
    [InlineData("a.b.c", "a.b.c", "*.b.c", "*.c")]
    [InlineData("a", "a")]
    [InlineData("www.google.com", "www.google.com", "*.google.com", "*.com")]
    public void D2_Wildcards_MostSpecificFirst(string name, params string[] expected) =>
        Assert.Equal(expected, NameCandidates.WithWildcards(name));

    [Fact]
    public void D3_SearchDomains_FollowTheClientNamespace() => Assert.Equal(
        ["ns1.svc.cluster.local", "svc.cluster.local", "cluster.local"], Candidates.SearchDomainsOf("ns1"));

    [Fact]
    public void D3_SearchDomain_StrippedOnlyWhenLabelsRemain()
    {
        var search = Candidates.SearchDomainsOf("ns1");

        var candidates = Candidates.Of("ns1.svc.cluster.local", "ns1", search);

        // Without the whole of it nothing would be left; the shorter domains leave a label or two.
        Assert.Equal(
            ["ns1", "ns1.svc"], candidates.Select(candidate => candidate.Stripped).OfType<string>().Distinct());
    }

    [Fact]
    public void D3_StrippedName_IsTriedAsItIsAndExpanded_EachOnce()
    {
        var candidates = Candidates.Of(
            "www.example.com.ns1.svc.cluster.local", "ns1", Candidates.SearchDomainsOf("ns1"));

        Assert.Equal(
            [
                new("www.example.com.ns1.svc.cluster.local", null),
                new("www.example.com", "www.example.com"),
                new("www.example.com.svc.cluster.local", "www.example.com"),
                new("www.example.com.ns1", "www.example.com.ns1"),
                new("www.example.com.ns1.svc", "www.example.com.ns1.svc"),
            ],
            candidates);
        Assert.Equal(candidates.Count, candidates.Select(candidate => candidate.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("notns1.svc.cluster.local")]
    [InlineData("xcluster.local")]
    public void D3_NameThatOnlyEndsInTheSameLetters_KeepsItsEnd(string name) => Assert.DoesNotContain(
        Candidates.Of(name, "ns1", ["ns1.svc.cluster.local", "cluster.local"]),
        candidate => candidate.Stripped is "not" or "x");
}
