namespace Ztunnel.Xds;

/// <summary>The resource types that are asked for, as <c>type_url</c> spells them.</summary>
internal static class TypeUrls
{
    /// <summary>Workloads and services.</summary>
    public const string Address = "type.googleapis.com/istio.workload.Address";

    /// <summary>L4 policies.</summary>
    public const string Authorization = "type.googleapis.com/istio.security.Authorization";
}
