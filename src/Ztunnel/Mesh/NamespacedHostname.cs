namespace Ztunnel.Mesh;

/// <summary>A service or hostname workload by name (proto message <c>istio.workload.NamespacedHostname</c>).</summary>
/// <param name="Namespace">Kubernetes namespace.</param>
/// <param name="Hostname">Fully qualified name; compared as received.</param>
internal readonly record struct NamespacedHostname(string Namespace, string Hostname)
{
    /// <summary>The form of file and dump: <c>namespace/hostname</c>.</summary>
    public override string ToString() => $"{Namespace}/{Hostname}";
}
