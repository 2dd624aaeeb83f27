using System.Net;
using Ztunnel.Config;
using Ztunnel.Dns;
using Ztunnel.Dns.Wire;
using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>Which service a pod of ns1 means by a name, and what it is answered: control-plane 6.3 and 6.4.</summary>
public sealed class MeshNamesTests
{
    private const string Domain = "svc.cluster.local";

    private static readonly Workload Client = Pod("client", "10.1.1.1");

    private static readonly Service Echo = Service($"echo.ns1.{Domain}", "80:80", "10.0.0.1");
    private static readonly Service Other = Service($"other.ns2.{Domain}", "80:80", "10.0.0.2", "fd00::2") with
    {
        Namespace = "ns2",
    };

    private static readonly Service Google = Service("www.google.com", "80:80", "240.0.0.1");

    [Theory]
    [InlineData("echo")]
    [InlineData("echo.ns1")]
    [InlineData("echo.ns1.svc")]
    [InlineData("echo.ns1.svc.cluster.local")]
    public void D6_EveryForm_IsAnsweredUnderTheAskedName(string name)
    {
        var answer = Find(name, DnsType.A, Echo);

        Assert.Equal("10.0.0.1", Text(answer));
        Assert.Null(answer!.Alias);
    }

    [Theory]
    [InlineData("other")]
    [InlineData("missing.ns1")]
    [InlineData("unknown.example.com")]
    public void D6_ShortNameOfAnotherNamespace_IsForwarded(string name) => Assert.Null(Find(name, DnsType.A, Echo, Other));

    [Fact]
    public void D5_ExternalHost_IsAnswered_AndWithSearchDomainThroughAnAlias()
    {
        Assert.Equal("240.0.0.1", Text(Find("www.google.com", DnsType.A, Google)));
        var suffixed = Find("www.google.com.ns1.svc.cluster.local", DnsType.A, Google);

        Assert.Equal("240.0.0.1", Text(suffixed));
        Assert.Equal("www.google.com", suffixed!.Alias);
    }

    [Fact]
    public void D5_AaaaOfAnIpv4Service_IsEmptyAndNotForwarded()
    {
        var answer = Find("www.google.com", DnsType.Aaaa, Google);

        Assert.Equal("", Text(answer));
        Assert.True(answer!.IsTypeServed);
    }

    [Fact]
    public void D5_FamilyTheServiceDoesNotHave_IsNotServed()
    {
        var ipv4Only = Other with { IpFamilies = IpFamilies.IPv4 };

        Assert.False(Find("other.ns2", DnsType.Aaaa, ipv4Only)!.IsTypeServed);
        Assert.Equal("10.0.0.2", Text(Find("other.ns2", DnsType.A, ipv4Only)));
        Assert.Equal("fd00::2", Text(Find("other.ns2", DnsType.Aaaa, Other)));
        Assert.False(Find("other.ns2", DnsType.A, Other with { IpFamilies = IpFamilies.IPv6 })!.IsTypeServed);
    }

    [Fact]
    public void D5_Ipv6Off_AaaaIsNotServed()
    {
        var names = new MeshNames(new ProxyOptions { Ipv6Enabled = false }, []);

        Assert.False(names.Find(Empty.With(Client, Other), Client, "other.ns2", DnsType.Aaaa)!.IsTypeServed);
    }

    [Fact]
    public void D7_ServiceOfAnotherNamespace_OnlyWhereItIsVisible()
    {
        var hidden = Other with { Visibility = Visibility.Namespace };

        Assert.Null(Find("other.ns2", DnsType.A, hidden));
        Assert.Equal("10.0.0.2", Text(Find("other.ns2", DnsType.A, Other)));
        Assert.Equal("10.0.0.1", Text(Find("echo", DnsType.A, Echo with { Visibility = Visibility.Namespace })));
    }

    [Fact]
    public void D8_Wildcards_TheMoreSpecificWins_AndHasNoAlias()
    {
        var (wide, narrow) = (Service("*.com", "80:80", "240.0.0.2"), Service("*.google.com", "80:80", "240.0.0.3"));

        Assert.Equal("240.0.0.3", Text(Find("www.google.com", DnsType.A, wide, narrow)));
        Assert.Equal("240.0.0.2", Text(Find("www.example.com", DnsType.A, wide, narrow)));
        Assert.Equal("240.0.0.1", Text(Find("www.google.com", DnsType.A, wide, narrow, Google)));
        var suffixed = Find("www.google.com.ns1.svc.cluster.local", DnsType.A, wide, narrow);
        Assert.Equal("240.0.0.3", Text(suffixed));
        Assert.Null(suffixed!.Alias);
    }

    [Fact]
    public void D8_WildcardOfAnEarlyCandidate_BeatsAnExactNameOfALaterOne()
    {
        var wildcard = Service("*.ns1", "80:80", "240.0.0.9");

        Assert.Equal("240.0.0.9", Text(Find("echo.ns1", DnsType.A, wildcard, Echo)));
    }

    [Fact]
    public void D9_Vip_OnlyThoseOfTheClientsNetwork()
    {
        var elsewhere = Echo with { Vips = [At("10.0.0.9", "net2")] };
        var both = Echo with { Vips = [At("10.0.0.9", "net2"), At("10.0.0.1")] };

        Assert.Equal("", Text(Find("echo", DnsType.A, elsewhere)));
        Assert.Equal("10.0.0.1", Text(Find("echo", DnsType.A, both)));
    }

    [Fact]
    public void D10_Headless_HasTheFirstAddressOfEachEndpointByFamily()
    {
        var headless = Service($"db.ns1.{Domain}", "80:80");
        object[] mesh =
        [
            headless,
            Pod("db-0", "10.2.0.1", "fd02::1", "10.2.0.99").EndpointOf(headless, "80:80"),
            Pod("db-1", "fd02::2", "10.2.0.2").EndpointOf(headless, "80:80"),
            Pod("db-2", "fd02::3").EndpointOf(headless, "80:80"),
        ];

        Assert.Equal("10.2.0.1 10.2.0.2", Text(Find("db", DnsType.A, mesh)));
        Assert.Equal("fd02::1 fd02::2 fd02::3", Text(Find("db", DnsType.Aaaa, mesh)));
    }

    [Fact]
    public void D10_Ipv6OnlyHeadless_HasNoA()
    {
        var headless = Service($"six.ns1.{Domain}", "80:80") with { IpFamilies = IpFamilies.IPv6 };
        object[] mesh = [headless, Pod("six-0", "10.2.0.1", "fd02::1").EndpointOf(headless, "80:80")];

        Assert.False(Find("six", DnsType.A, mesh)!.IsTypeServed);
        Assert.Equal("fd02::1", Text(Find("six", DnsType.Aaaa, mesh)));
    }

    [Fact]
    public void D10_UnhealthyEndpoint_OnlyWhereTheServiceAllowsIt()
    {
        var headless = Service($"db.ns1.{Domain}", "80:80");
        var sick = Pod("db-0", "10.2.0.1").EndpointOf(headless, "80:80") with { Status = WorkloadStatus.Unhealthy };

        Assert.Equal("", Text(Find("db", DnsType.A, headless, sick)));
        Assert.Equal("10.2.0.1", Text(Find("db", DnsType.A, headless.AllowingUnhealthy(), sick)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void D10_ExternalHeadless_IsForwarded(bool hasEndpoint)
    {
        var external = Service("headless.example.com", "80:80");
        object[] mesh = hasEndpoint ? [external, Pod("x", "10.2.0.1").EndpointOf(external, "80:80")] : [external];

        Assert.Null(Find("headless.example.com", DnsType.A, mesh));
    }

    [Fact]
    public void D10_HostnameOfAPod_IsForwarded()
    {
        var headless = Service($"db.ns1.{Domain}", "80:80");

        Assert.Null(Find($"db-0.db.ns1.{Domain}", DnsType.A, headless, Pod("db-0", "10.2.0.1").EndpointOf(headless, "80:80")));
    }

    [Fact]
    public void RangeOfAddresses_IsForwarded()
    {
        var range = Service("range.example.com", "80:80") with { CidrVips = [new("", IPNetwork.Parse("10.9.0.0/16"))] };

        Assert.Null(Find("range.example.com", DnsType.A, range));
    }

    [Fact]
    public void D11_SharedHostname_OwnNamespaceThenCanonicalThenPreferredThenFirst()
    {
        var own = Of("ns1", "240.0.1.1");
        var (first, second, third) = (Of("ns3", "240.0.1.3"), Of("ns4", "240.0.1.4"), Of("ns5", "240.0.1.5"));
        var canonical = second with { Canonical = true };

        Assert.Equal("240.0.1.1", Prefer(null, first, canonical, own));
        Assert.Equal("240.0.1.4", Prefer("ns5", first, canonical, third));
        Assert.Equal("240.0.1.5", Prefer("ns5", first, second, third));
        Assert.Equal("240.0.1.3", Prefer(null, first, second, third));
        Assert.Equal("240.0.1.3", Prefer("nowhere", first, second, third));

        static Service Of(string ns, string vip) =>
            Service("shared.example.com", "80:80", vip) with { Namespace = ns };

        static string Prefer(string? ns, params object[] mesh) => Text(
            new MeshNames(new ProxyOptions { PreferredServiceNamespace = ns }, [])
                .Find(Empty.With([Client, .. mesh]), Client, "shared.example.com", DnsType.A));
    }

    [Fact]
    public void Dedicated_SearchDomains_AreThoseOfTheResolver()
    {
        var names = new MeshNames(new ProxyOptions { Mode = ProxyMode.Dedicated }, ["corp.example"]);
        var mesh = Empty.With(Client, Google);

        Assert.Equal("www.google.com", names.Find(mesh, Client, "www.google.com.corp.example", DnsType.A)?.Alias);
        Assert.Null(names.Find(mesh, Client, "www.google.com.ns1.svc.cluster.local", DnsType.A));
    }

    private static MeshNameAnswer? Find(string name, ushort type, params object[] mesh) =>
        new MeshNames(new ProxyOptions(), []).Find(Empty.With([Client, .. mesh]), Client, name, type);

    private static string Text(MeshNameAnswer? answer)
    {
        Assert.NotNull(answer);
        return string.Join(' ', answer.Addresses.Select(address => address.ToString()).Order(StringComparer.Ordinal));
    }
}
