using Ztunnel.Mesh;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Node.Tests.Dns;

/// <summary>Services of every kind by which names differ, and a pod of ns1 that asks for them.</summary>
internal static class DnsMesh
{
    private const string Domain = "svc.cluster.local";

    private static readonly Service Database = Service($"db.ns1.{Domain}", "80:80");
    private static readonly Service Six = Service($"six.ns1.{Domain}", "80:80") with { IpFamilies = IpFamilies.IPv6 };
    private static readonly Service Outside = Service("outside.example.com", "80:80");

    public static Workload Client { get; } = Pod("client");

    public static object[] Resources { get; } =
    [
        Client,
        Service($"echo.ns1.{Domain}", "80:80", "10.0.0.1", "fd00::1"),
        Service($"other.ns2.{Domain}", "80:80", "10.0.0.2") with { Namespace = "ns2" },
        Service($"hidden.ns2.{Domain}", "80:80", "10.0.0.3") with { Namespace = "ns2", Visibility = Visibility.Namespace },
        Service($"own.ns1.{Domain}", "80:80", "10.0.0.4") with { Visibility = Visibility.Namespace },
        Service("www.google.com", "80:80", "240.0.0.1"),
        Service("*.org", "80:80", "240.0.0.2"),
        Service("*.wiki.org", "80:80", "240.0.0.3"),
        Service($"far.ns1.{Domain}", "80:80") with { Vips = [At("10.0.0.5", "net2")] },
        Service($"both.ns1.{Domain}", "80:80") with { Vips = [At("10.0.0.6", "net2"), At("10.0.0.7")] },
        Database,
        Pod("db-0", "10.2.0.1", "fd02::1").EndpointOf(Database, "80:80"),
        Pod("db-1", "10.2.0.2").EndpointOf(Database, "80:80"),
        Six,
        Pod("six-0", "10.2.0.3", "fd02::3").EndpointOf(Six, "80:80"),
        Outside,
        Pod("outside-0", "10.2.0.4").EndpointOf(Outside, "80:80"),
        Service("large.com", "80:80", [.. Enumerable.Range(0, 256).Select(n => $"240.1.0.{n}")]),
        .. Shared("shared.com", "ns3", "ns4", "ns5"),
        .. Shared("mine.com", "ns3", "ns1"),
        .. Shared("canonical.com", "ns3", "ns4").Select(service => service with { Canonical = service.Namespace == "ns4" }),
    ];

    /// <summary>The address by which <see cref="Shared"/> tells namespaces apart.</summary>
    public static string VipOf(string ns) => $"240.2.0.{ns[2..]}";

    private static IEnumerable<Service> Shared(string hostname, params string[] namespaces) =>
        namespaces.Select(ns => Service(hostname, "80:80", VipOf(ns)) with { Namespace = ns });
}
