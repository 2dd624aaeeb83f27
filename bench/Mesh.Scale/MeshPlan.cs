using System.Globalization;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Node.Bench;
using Ztunnel.Protos.Discovery;
using Proto = Ztunnel.Protos.WorkloadApi;
using Security = Ztunnel.Protos.SecurityApi;

namespace Mesh.Scale;

/// <summary>
/// The mesh that is pushed, resource by resource, of the shape that istiod gives to pods of deployments: names, labels and
/// addresses of the usual length, one service for each workload.
/// </summary>
internal static class MeshPlan
{
    /// <summary>Where the load connects to: the service of the pod that echoes.</summary>
    public static readonly IPEndPoint EchoVip = new(IPAddress.Parse("10.96.0.10"), 80);

    private const int ServicesPerNamespace = 10;
    private const int Nodes = 1_000;

    private static readonly string[] Zones = ["us-east1-b", "us-east1-c", "us-east1-d"];

    /// <summary>The two pods that traffic is between, and the service of the second.</summary>
    public static IEnumerable<Resource> Pods()
    {
        yield return Pack(Pod("a", PodPair.SourceAddress, services: []));
        yield return Pack(Pod("b", PodPair.DestinationAddress, ["default/echo.default.svc.cluster.local"]));
        var echo = NewService("echo", "default", EchoVip.Address);
        echo.Ports.Clear();
        echo.Ports.Add(new Proto.Port { ServicePort = (uint)EchoVip.Port, TargetPort = PodPair.EchoPort });
        yield return Pack(echo);
    }

    public static Resource Service(int index) => Pack(NewService(
        $"app-{index:D4}", Namespace(index), new IPAddress([10, 97, (byte)(index >> 8), (byte)index])));

    /// <param name="index">Which one; the number of services decides whose endpoint it is.</param>
    /// <param name="size">Of the mesh.</param>
    /// <param name="generation">0 at first; another one is another pod in its place, or another state of it.</param>
    /// <param name="healthy">Whether it is ready.</param>
    public static Resource Workload(int index, MeshSize size, int generation, bool healthy)
    {
        var service = index % size.Services;
        var ns = Namespace(service);
        var name = $"app-{service:D4}-{service * 7919:x8}-{index:x5}";
        var address = new IPAddress([(byte)(11 + (generation % 8)), (byte)(index >> 16), (byte)(index >> 8), (byte)index]);
        var workload = Pod(name, address, [$"{ns}/app-{service:D4}.{ns}.svc.cluster.local"]);
        workload.Namespace = ns;
        workload.Uid = WorkloadName(index, size);
        workload.ServiceAccount = $"app-{service:D4}";
        workload.WorkloadName = $"app-{service:D4}";
        workload.CanonicalName = $"app-{service:D4}";
        workload.Node = $"gke-pool-1-{(index / 100) % Nodes:x6}";
        workload.Locality = new Proto.Locality { Region = "us-east1", Zone = Zones[index % Zones.Length] };
        workload.Status = healthy ? Proto.WorkloadStatus.Healthy : Proto.WorkloadStatus.Unhealthy;
        if (index % 10 == 0)
        {
            workload.AuthorizationPolicies.Add($"{ns}/policy-{service % size.Policies:D4}");
        }

        return Pack(workload);
    }

    public static string WorkloadName(int index, MeshSize size)
    {
        var service = index % size.Services;
        return $"Kubernetes//Pod/{Namespace(service)}/app-{service:D4}-{service * 7919:x8}-{index:x5}";
    }

    public static string ServiceName(int index) => $"{Namespace(index)}/app-{index:D4}.{Namespace(index)}.svc.cluster.local";

    public static string PolicyName(int index) => $"{Namespace(index)}/policy-{index:D4}";

    /// <summary>Every other one binds to its namespace, the rest to the workloads that name it.</summary>
    public static Resource Policy(int index)
    {
        var match = new Security.Match();
        match.Principals.Add(new Security.StringMatch { Exact = $"cluster.local/ns/{Namespace(index)}/sa/app-{index:D4}" });
        match.DestinationPorts.Add(8080);
        var clause = new Security.Clause();
        clause.Matches.Add(match);
        var rule = new Security.Rule();
        rule.Clauses.Add(clause);
        var policy = new Security.Authorization
        {
            Name = $"policy-{index:D4}",
            Namespace = Namespace(index),
            Scope = index % 2 == 0 ? Security.Scope.Namespace : Security.Scope.WorkloadSelector,
            Action = index % 4 < 2 ? Security.Action.Allow : Security.Action.Deny,
        };
        policy.Rules.Add(rule);
        return new Resource { Name = PolicyName(index), Resource_ = Any.Pack(policy) };
    }

    private static string Namespace(int service) =>
        string.Create(CultureInfo.InvariantCulture, $"team-{service / ServicesPerNamespace:D3}");

    private static Proto.Workload Pod(string name, IPAddress address, IEnumerable<string> services)
    {
        var pod = new Proto.Workload
        {
            Uid = $"Kubernetes//Pod/default/{name}",
            Name = name,
            Namespace = "default",
            ServiceAccount = name,
            Node = $"node-{name}",
            TunnelProtocol = Proto.TunnelProtocol.Hbone,
            WorkloadType = Proto.WorkloadType.Deployment,
            WorkloadName = name,
            CanonicalName = name,
            CanonicalRevision = "v1",
            ClusterId = "Kubernetes",
        };
        pod.Addresses.Add(ByteString.CopyFrom(address.GetAddressBytes()));
        foreach (var service in services)
        {
            var ports = new Proto.PortList();
            ports.Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 8080 });
            ports.Ports.Add(new Proto.Port { ServicePort = 443, TargetPort = 8443 });
            pod.Services[service] = ports;
        }

        if (name == "b")
        {
            pod.Services.Values.Single().Ports.Clear(); // the service's own port map decides
        }

        return pod;
    }

    private static Proto.Service NewService(string name, string ns, IPAddress vip)
    {
        var service = new Proto.Service
        {
            Name = name,
            Namespace = ns,
            Hostname = $"{name}.{ns}.svc.cluster.local",
            Canonical = true,
        };
        service.Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 8080 });
        service.Ports.Add(new Proto.Port { ServicePort = 443, TargetPort = 8443 });
        service.Addresses.Add(new Proto.NetworkAddress { Address = ByteString.CopyFrom(vip.GetAddressBytes()) });
        return service;
    }

    private static Resource Pack(Proto.Workload workload) =>
        Pack(workload.Uid, new Proto.Address { Workload = workload });

    private static Resource Pack(Proto.Service service) =>
        Pack($"{service.Namespace}/{service.Hostname}", new Proto.Address { Service = service });

    // istiod's versions are hashes of the content, in hexadecimal.
    private static Resource Pack(string name, Proto.Address address)
    {
        var hash = 14_695_981_039_346_656_037UL; // FNV-1a
        foreach (var value in address.ToByteArray())
        {
            hash = (hash ^ value) * 1_099_511_628_211;
        }

        return new Resource { Name = name, Version = $"{hash:x}", Resource_ = Any.Pack(address) };
    }
}
