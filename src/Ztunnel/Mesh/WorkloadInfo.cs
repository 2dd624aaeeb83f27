namespace Ztunnel.Mesh;

/// <summary>A local pod as the node knows it: the CNI agent (or <c>PROXY_WORKLOAD_INFO</c>) names it this way.</summary>
internal sealed record WorkloadInfo(string Name, string Namespace, string ServiceAccount)
{
    /// <summary>The form of error texts: <c>serviceaccount.namespace (name)</c>.</summary>
    public override string ToString() => $"{ServiceAccount}.{Namespace} ({Name})";
}
