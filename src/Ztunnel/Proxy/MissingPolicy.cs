using System.Text.Json;
using Ztunnel.Mesh;

namespace Ztunnel.Proxy;

/// <summary>One policy that a pod's workload names and that is not there.</summary>
/// <param name="Pod">The pod.</param>
/// <param name="Policy">Its key, <c>namespace/name</c>.</param>
/// <param name="IsOverdue">Whether connections wait for it no more.</param>
internal readonly record struct MissingPolicy(WorkloadInfo Pod, string Policy, bool IsOverdue)
{
    /// <summary>
    /// An element of <c>missingPolicies</c> in the config dump, which the reference does not have: <c>name</c>,
    /// <c>namespace</c>, <c>overdue</c>, <c>policy</c>.
    /// </summary>
    public static void Write(Utf8JsonWriter json, MissingPolicy missing)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, missing.Pod.Name);
        json.WriteString("namespace"u8, missing.Pod.Namespace);
        json.WriteBoolean("overdue"u8, missing.IsOverdue);
        json.WriteString("policy"u8, missing.Policy);
        json.WriteEndObject();
    }
}
