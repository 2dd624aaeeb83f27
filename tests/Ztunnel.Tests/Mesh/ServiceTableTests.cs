using System.Net;
using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Mesh;

/// <summary>Which of several services an address or a hostname means: control-plane 3.3.</summary>
public sealed class ServiceTableTests
{
    private static readonly NetworkAddress Vip = At("10.0.1.1");

    [Fact]
    public void S15_SharedVip_ClientNamespaceWins()
    {
        var (one, two) = (Of("one", "a.example.com", "10.0.1.1"), Of("two", "b.example.com", "10.0.1.1"));
        var snapshot = Empty.With(one, two);

        Assert.Equal("one", snapshot.FindServiceByVip(Vip, "one")?.Namespace);
        Assert.Equal("two", snapshot.FindServiceByVip(Vip, "two")?.Namespace);
        Assert.Equal("one", snapshot.FindServiceByVip(Vip, "three")?.Namespace);
        Assert.Equal("one", snapshot.FindServiceByVip(Vip, null)?.Namespace);
        Assert.Equal("two", snapshot.Without(one).FindServiceByVip(Vip, "one")?.Namespace);
        Assert.Equal("one", snapshot.Without(two).FindServiceByVip(Vip, "two")?.Namespace);
    }

    [Fact]
    public void SharedVip_SameNamespace_BothAreKept()
    {
        // The reference lets one overwrite the other; control-plane 10.2.11.
        var (first, second) = (Of("one", "a.example.com", "10.0.1.1"), Of("one", "b.example.com", "10.0.1.1"));
        var endpoint = Pod("p", "10.0.0.1").EndpointOf(second, "80:80");
        var snapshot = Empty.With(first, second, endpoint);

        Assert.Equal("a.example.com", snapshot.FindServiceByVip(Vip, "one")?.Hostname);
        Assert.Equal("a.example.com", snapshot.With(first).FindServiceByVip(Vip, "one")?.Hostname);
        Assert.Equal("b.example.com", snapshot.Without(first).FindServiceByVip(Vip, "one")?.Hostname);
        Assert.Equal("a.example.com", snapshot.Without(second).FindServiceByVip(Vip, "one")?.Hostname);
    }

    [Fact]
    public void SharedHostname_CanonicalWinsAmongOthers_LastOfSeveral()
    {
        var plain = Of("one", "a.example.com");
        var canonical = Of("two", "a.example.com") with { Canonical = true };
        var later = Of("three", "a.example.com") with { Canonical = true };
        var snapshot = Empty.With(plain, canonical);

        Assert.Equal("one", snapshot.FindServiceByHostname("a.example.com", "one")?.Namespace);
        Assert.Equal("two", snapshot.FindServiceByHostname("a.example.com", "four")?.Namespace);
        Assert.Equal("two", snapshot.FindServiceByHostname("a.example.com", null)?.Namespace);
        Assert.Equal("three", snapshot.With(later).FindServiceByHostname("a.example.com", "four")?.Namespace);
        Assert.Null(snapshot.FindServiceByHostname("A.example.com", "one"));
    }

    [Fact]
    public void S16_NamespaceVisibility_HidesFromOthers()
    {
        var hidden = Of("one", "a.example.com", "10.0.1.1") with
        {
            Visibility = Visibility.Namespace,
            CidrVips = [new("", IPNetwork.Parse("10.9.0.0/16"))],
        };
        var snapshot = Empty.With(hidden);

        Assert.NotNull(snapshot.FindServiceByVip(Vip, "one"));
        Assert.NotNull(snapshot.FindServiceByVip(Vip, null));
        Assert.Null(snapshot.FindServiceByVip(Vip, "two"));
        Assert.NotNull(snapshot.FindServiceByVip(At("10.9.1.1"), "one"));
        Assert.NotNull(snapshot.FindServiceByVip(At("10.9.1.1"), null));
        Assert.Null(snapshot.FindServiceByVip(At("10.9.1.1"), "two"));
        Assert.NotNull(snapshot.FindServiceByHostname("a.example.com", "one"));
        Assert.NotNull(snapshot.FindServiceByHostname("a.example.com", null));
        Assert.Null(snapshot.FindServiceByHostname("a.example.com", "two"));
    }

    [Fact]
    public void S16_InvisibleService_AnotherAnswers()
    {
        var hidden = Of("one", "a.example.com", "10.0.1.1") with { Visibility = Visibility.Namespace };
        var around = Of("two", "a.example.com") with { CidrVips = [new("", IPNetwork.Parse("10.0.0.0/16"))] };
        var snapshot = Empty.With(hidden, around);

        Assert.Equal("two", snapshot.FindServiceByVip(Vip, "three")?.Namespace);
        Assert.Equal("one", snapshot.FindServiceByVip(Vip, "one")?.Namespace);
        Assert.Equal("two", snapshot.FindServiceByHostname("a.example.com", "three")?.Namespace);
    }

    [Theory]
    [InlineData("10.1.2.3", "", "/16")]
    [InlineData("10.1.2.200", "", "/25")]
    [InlineData("10.1.2.77", "", "exact")]
    [InlineData("10.2.0.1", "", null)]
    [InlineData("10.1.2.3", "other", "network")]
    [InlineData("fd00:1::9", "", "/32 v6")]
    [InlineData("fd00:2::9", "", null)]
    public void S17_Cidr_LongestPrefixOfTheNetworkAndFamily(string address, string network, string? expected)
    {
        var snapshot = Empty.With(
            Range("/16", "10.1.0.0/16"),
            Range("/25", "10.1.2.128/25"),
            Range("/32 v6", "fd00:1::/32"),
            Range("network", "10.1.0.0/16", network: "other"),
            Of("exact", "exact", "10.1.2.77"));

        Assert.Equal(expected, snapshot.FindServiceByVip(At(address, network), "client")?.Hostname);
    }

    [Fact]
    public void S17_Cidr_DualStack_IsFoundByBothFamiliesUntilItIsRemoved()
    {
        var dual = Of("dual", "dual") with
        {
            CidrVips = [new("", IPNetwork.Parse("10.1.0.0/16")), new("", IPNetwork.Parse("fd00:1::/32"))],
        };
        var snapshot = Empty.With(dual);

        foreach (var address in (string[])["10.1.2.3", "fd00:1::9"])
        {
            Assert.Equal("dual", snapshot.FindServiceByVip(At(address), null)?.Hostname);
            Assert.Null(snapshot.Without(dual).FindServiceByVip(At(address), null));
        }
    }

    [Fact]
    public void S17_Cidr_OwnNamespaceBeatsLongerPrefixAndCanonicalBreaksTies()
    {
        var own = Range("own", "10.0.0.0/8") with { Namespace = "client" };
        var longer = Range("longer", "10.1.0.0/16");
        var same = Range("same", "10.1.0.0/16") with { Canonical = true };
        var snapshot = Empty.With(own, longer, same);

        Assert.Equal("own", snapshot.FindServiceByVip(At("10.1.0.1"), "client")?.Hostname);
        Assert.Equal("same", snapshot.FindServiceByVip(At("10.1.0.1"), null)?.Hostname);
        Assert.Equal("longer", snapshot.Without(same).FindServiceByVip(At("10.1.0.1"), null)?.Hostname);
    }

    [Fact]
    public void S17_Cidr_RemovedOrMoved_LeavesNothing()
    {
        var service = Range("a", "10.1.0.0/16");

        var snapshot = Empty.With(service).With(Range("a", "10.2.0.0/17"));
        Assert.Null(snapshot.FindServiceByVip(At("10.1.0.1"), null));
        Assert.NotNull(snapshot.FindServiceByVip(At("10.2.0.1"), null));

        Assert.Null(snapshot.Without(service).FindServiceByVip(At("10.2.0.1"), null));
    }

    private static Service Of(string ns, string hostname, params ReadOnlySpan<string> vips) =>
        Service(hostname, "80:80", vips) with { Namespace = ns };

    private static Service Range(string hostname, string cidr, string network = "") =>
        Of(hostname, hostname) with { CidrVips = [new(network, IPNetwork.Parse(cidr))] };
}
