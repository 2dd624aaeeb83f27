using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Proto = Ztunnel.Protos.WorkloadApi;
using Security = Ztunnel.Protos.SecurityApi;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Builds responses of a control plane.</summary>
internal static class Responses
{
    private static int _nonce;

    public static byte[] Addresses(params IEnumerable<Resource> resources) => Encode(TypeUrls.Address, resources, []);

    public static byte[] Policies(params IEnumerable<Resource> resources) =>
        Encode(TypeUrls.Authorization, resources, []);

    public static byte[] Removed(string typeUrl, params IEnumerable<string> names) => Encode(typeUrl, [], names);

    public static byte[] Encode(string typeUrl, IEnumerable<Resource> resources, IEnumerable<string> removed)
    {
        var response = new DeltaDiscoveryResponse
        {
            TypeUrl = typeUrl,
            Nonce = $"nonce-{Interlocked.Increment(ref _nonce)}",
        };
        response.Resources.Add(resources);
        response.RemovedResources.Add(removed);
        return response.ToByteArray();
    }

    public static Resource Workload(string name, string address, string version = "1", params string[] services)
    {
        var workload = NewWorkload(name, address);
        foreach (var service in services)
        {
            var ports = new Proto.PortList();
            ports.Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 8080 });
            workload.Services[service] = ports;
        }

        return Resource(workload, version);
    }

    public static Proto.Workload NewWorkload(string name, string address)
    {
        var workload = new Proto.Workload { Uid = $"Kubernetes//Pod/ns/{name}", Name = name, Namespace = "ns" };
        workload.Addresses.Add(Bytes(address));
        return workload;
    }

    public static Resource Resource(Proto.Workload workload, string version = "1") =>
        Resource(workload.Uid, new Proto.Address { Workload = workload }, version);

    public static Resource Resource(Proto.Service service, string version = "1") =>
        Resource($"{service.Namespace}/{service.Hostname}", new Proto.Address { Service = service }, version);

    public static Resource Resource(Security.Authorization policy) =>
        Resource($"{policy.Namespace}/{policy.Name}", policy, "");

    public static Resource Resource(string name, IMessage content, string version = "1") =>
        new() { Name = name, Version = version, Resource_ = Any.Pack(content) };

    public static Proto.Service NewService(string name, params string[] vips)
    {
        var service = new Proto.Service { Name = name, Namespace = "ns", Hostname = $"{name}.ns.svc.cluster.local" };
        service.Ports.Add(new Proto.Port { ServicePort = 80, TargetPort = 8080 });
        service.Addresses.Add(vips.Select(vip => new Proto.NetworkAddress { Address = Bytes(vip) }));
        return service;
    }

    public static Security.Authorization NewPolicy(string name, params Security.Match[] matches)
    {
        var clause = new Security.Clause();
        clause.Matches.Add(matches);
        var rule = new Security.Rule();
        rule.Clauses.Add(clause);
        var policy = new Security.Authorization { Name = name, Namespace = "ns", Scope = Security.Scope.Namespace };
        policy.Rules.Add(rule);
        return policy;
    }

    /// <summary>A resource whose payload is not protobuf.</summary>
    public static Resource Junk(string name) => new()
    {
        Name = name,
        Version = "1",
        Resource_ = new Any { Value = ByteString.CopyFrom(0x0A, 0xFF, 0xFF) }, // field 1, more bytes than there are
    };

    public static ByteString Bytes(string address) => ByteString.CopyFrom(IPAddress.Parse(address).GetAddressBytes());
}
