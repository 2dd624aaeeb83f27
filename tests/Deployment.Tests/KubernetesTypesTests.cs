using k8s;
using k8s.Models;

namespace Deployment.Tests;

/// <summary>
/// Every object reads as the type of the Kubernetes API that it says it is: no field that the type has not, none of another
/// type. Kinds that are no part of Kubernetes itself (PodMonitor, SecurityContextConstraints) are not known here.
/// </summary>
public sealed class KubernetesTypesTests
{
    private static readonly Dictionary<string, Type> Types = new()
    {
        ["DaemonSet"] = typeof(V1DaemonSet),
        ["ServiceAccount"] = typeof(V1ServiceAccount),
        ["NetworkPolicy"] = typeof(V1NetworkPolicy),
        ["ResourceQuota"] = typeof(V1ResourceQuota),
        ["ClusterRole"] = typeof(V1ClusterRole),
        ["ClusterRoleBinding"] = typeof(V1ClusterRoleBinding),
    };

    [Fact]
    public async Task Chart_WithEverythingOn_HasFieldsOfTheApiOnly() => AssertTyped(
        await Manifests.ChartAsync(
            "platform=openshift", "networkPolicy.enabled=true", "resourceQuotas.enabled=true", "peerCaCrl.enabled=true",
            "resources.limits.cpu=2", "revision=canary", "imagePullSecrets=[\"one\"]", "dnsPolicy=Default",
            "dnsConfig={\"nameservers\":[\"10.0.0.1\"]}", "affinity={\"nodeAffinity\":{}}", "imagePullPolicy=Always"),
        6);

    [Fact]
    public async Task Kustomization_WithEveryComponent_HasFieldsOfTheApiOnly() =>
        AssertTyped(await Manifests.KustomizeAsync("network-policy", "openshift", "prometheus"), 5);

    [Fact]
    public void FieldThatTheApiHasNot_IsFound() => Assert.ThrowsAny<Exception>(
        () => Load(typeof(V1ServiceAccount), "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  nam: x\n"));

    private static void AssertTyped(Manifests manifests, int expected)
    {
        var documents = manifests.Text.Split("---\n", StringSplitOptions.RemoveEmptyEntries);
        var typed = documents.Where(document => document.Contains("kind: ", StringComparison.Ordinal)).Count(document =>
        {
            var kind = document.Split('\n').First(line => line.StartsWith("kind: ", StringComparison.Ordinal))[6..];
            return Types.TryGetValue(kind, out var type) && Load(type, document) is not null;
        });
        Assert.Equal(expected, typed);
    }

    private static object Load(Type type, string document) => Assert.Single(KubernetesYaml.LoadAllFromString(
        document,
        new Dictionary<string, Type>
        {
            [$"{(type == typeof(V1DaemonSet) ? "apps/" : type == typeof(V1NetworkPolicy) ? "networking.k8s.io/"
                : type == typeof(V1ClusterRole) || type == typeof(V1ClusterRoleBinding) ? "rbac.authorization.k8s.io/" : "")}v1/{type.Name[2..]}"] = type,
        },
        strict: true));
}
