using Fixtures;
using YamlDotNet.RepresentationModel;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>What <c>daemonset/kustomize/base/ztunnel.yaml</c> says about the pod of the proxy.</summary>
internal sealed class DaemonSetManifest
{
    // capabilities(7)
    private static readonly Dictionary<string, int> CapabilityNumbers =
        new() { ["NET_ADMIN"] = 12, ["NET_RAW"] = 13, ["SYS_ADMIN"] = 21 };

    private DaemonSetManifest(YamlNode daemonSet) => DaemonSet = daemonSet;

    /// <summary>The whole object.</summary>
    public YamlNode DaemonSet { get; }

    /// <summary>Its pod template's spec.</summary>
    public YamlNode Pod => DaemonSet["spec"]["template"]["spec"];

    /// <summary>The one container.</summary>
    public YamlNode Container => ((YamlSequenceNode)Pod["containers"]).Single();

    public string[] Arguments => Texts(Container["args"]);

    public string User => Text(Security["runAsUser"]);

    public string Group => Text(Security["runAsGroup"]);

    /// <summary>The capabilities that are left, as <c>/proc/PID/status</c> has them.</summary>
    public long CapabilityMask
    {
        get
        {
            Assert.Equal(["ALL"], Texts(Security["capabilities"]["drop"]));
            return Texts(Security["capabilities"]["add"]).Sum(name => 1L << CapabilityNumbers[name]);
        }
    }

    private YamlNode Security => Container["securityContext"];

    public static DaemonSetManifest Read()
    {
        using var file = File.OpenText(Path.Combine(Fixture.RepositoryRoot, "daemonset", "kustomize", "base", "ztunnel.yaml"));
        var stream = new YamlStream();
        stream.Load(file);
        return new DaemonSetManifest(
            stream.Documents.Select(document => document.RootNode).Single(node => Text(node["kind"]) == "DaemonSet"));
    }

    /// <summary>The environment as Kubernetes would fill it in on a node.</summary>
    public Dictionary<string, string?> EnvironmentOf(Pod own, string nodeName) =>
        ((YamlSequenceNode)Container["env"]).ToDictionary(
            entry => Text(entry["name"]),
            string? (entry) => Has(entry, "value") ? Text(entry["value"]) : Text(SourceOf(entry["valueFrom"])) switch
            {
                "metadata.name" => "ztunnel-abcde",
                "metadata.namespace" => "istio-system",
                "spec.nodeName" => nodeName,
                "spec.serviceAccountName" => "ztunnel",
                "status.podIP" => own.IPv4.ToString(),
                "limits.cpu" => "2",
                "requests.cpu" => "1",
                var other => throw new InvalidOperationException($"no value for {other}"),
            });

    public static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    public static string[] Texts(YamlNode node) => [.. ((YamlSequenceNode)node).Select(Text)];

    public static bool Has(YamlNode node, string key) => ((YamlMappingNode)node).Children.ContainsKey(key);

    private static YamlNode SourceOf(YamlNode valueFrom) => Has(valueFrom, "fieldRef")
        ? valueFrom["fieldRef"]["fieldPath"]
        : valueFrom["resourceFieldRef"]["resource"];
}
