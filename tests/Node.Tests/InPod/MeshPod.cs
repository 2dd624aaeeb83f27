using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>A pod of the topology with its name in the mesh.</summary>
internal sealed record MeshPod(Pod Pod, string Namespace, string ServiceAccount)
{
    /// <summary>The UID under which the agent enrols it.</summary>
    public string Uid => $"uid-{Pod.Name}";

    public string Identity => $"spiffe://cluster.local/ns/{Namespace}/sa/{ServiceAccount}";

    public IPAddress AddressOf(AddressFamily family) => family == AddressFamily.InterNetwork ? Pod.IPv4 : Pod.IPv6!;

    public Task<Socket> ConnectAsync(IPAddress address, int port, CancellationToken cancellationToken) =>
        Pod.ConnectAsync(address, port, cancellationToken);

    /// <summary>Connects to another pod by one of its addresses.</summary>
    public Task<Socket> ConnectAsync(
        MeshPod other, AddressFamily family, int port, CancellationToken cancellationToken) =>
        ConnectAsync(other.AddressOf(family), port, cancellationToken);

    /// <summary>The pod as an entry of a local mesh file, without services.</summary>
    public string ToYaml(string protocol) =>
        $"""
        - uid: Kubernetes//Pod/{Namespace}/{Pod.Name}
          name: {Pod.Name}
          namespace: {Namespace}
          serviceAccount: {ServiceAccount}
          trustDomain: cluster.local
          workloadIps: ["{Pod.IPv4}", "{Pod.IPv6}"]
          protocol: {protocol}
          node: {Pod.Node.Name}
          workloadName: {Pod.Name}
          workloadType: deployment
          canonicalName: {Pod.Name}
          canonicalRevision: v1
          clusterId: Kubernetes
        """;
}
