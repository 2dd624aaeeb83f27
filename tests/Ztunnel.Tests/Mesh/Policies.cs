using Ztunnel.Policy;

namespace Ztunnel.Tests.Mesh;

/// <summary>Policies without rules, where only what they bind to matters.</summary>
internal static class Policies
{
    public static Authorization Global(string name) => Of(name, "istio-system", PolicyScope.Global);

    public static Authorization Namespaced(string name) => Of(name, "ns1", PolicyScope.Namespace);

    public static Authorization Selecting(string name) => Of(name, "ns1", PolicyScope.WorkloadSelector);

    private static Authorization Of(string name, string ns, PolicyScope scope) =>
        new(name, ns, scope, PolicyAction.Allow, [], DryRun: false);
}
