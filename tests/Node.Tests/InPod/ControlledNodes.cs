using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>The same nodes, whose proxies get mesh and certificates from a control plane.</summary>
public sealed class ControlledNodes : TwoNodes
{
    internal ControlPlaneProcess ControlPlane { get; private set; } = null!;

    /// <summary>Changes the mesh and waits until both proxies have it.</summary>
    internal Task ApplyAsync(string mesh, CancellationToken cancellationToken) =>
        ControlPlane.ApplyAsync(mesh, cancellationToken, Near.ProxyPod.Pod, Far.ProxyPod.Pod);

    private protected override async Task PublishAsync()
    {
        var token = CancellationToken.None;
        var pod = await Topology.AddPodAsync(Far.Node, "istiod", token);
        var folder = Directory.CreateDirectory(Path.Combine(Topology.Folder, "istiod")).FullName;
        ControlPlane = await ControlPlaneProcess.StartAsync(ControlPlaneProgram.Path, pod, folder, Mesh(), token);
        foreach (var node in new[] { Near, Far })
        {
            var environment = await ControlPlane.VariablesAsync(node.Node);
            environment["LOCAL_XDS_PATH"] = null;
            environment["FAKE_CA"] = null;
            environment["LOCAL_CA_DIR"] = null;
            node.Settings = environment;
        }
    }
}
