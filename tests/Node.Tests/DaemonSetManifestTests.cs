using YamlDotNet.RepresentationModel;

namespace Node.Tests;

/// <summary>The manifest has what the chart renders; node-integration 4.1.</summary>
public sealed class DaemonSetManifestTests
{
    private readonly DaemonSetManifest _manifest = DaemonSetManifest.Read();

    [Fact]
    public void Container_HasTheChartsNameArgumentsAndRights()
    {
        var container = _manifest.Container;
        Assert.Equal("istio-proxy", Text(container["name"]));
        Assert.False(DaemonSetManifest.Has(container, "command"));
        Assert.Equal(["proxy", "ztunnel"], _manifest.Arguments);
        var security = container["securityContext"];
        Assert.Equal("false", Text(security["privileged"]));
        Assert.Equal("true", Text(security["allowPrivilegeEscalation"]));
        Assert.Equal("true", Text(security["readOnlyRootFilesystem"]));
        Assert.Equal("false", Text(security["runAsNonRoot"]));
        Assert.Equal(("0", "1337"), (_manifest.User, _manifest.Group));
        Assert.Equal(0x203000, _manifest.CapabilityMask); // NET_ADMIN, NET_RAW, SYS_ADMIN
    }

    [Fact]
    public void Container_HasAReadinessProbeAndNoOther()
    {
        var container = _manifest.Container;
        Assert.Equal("15021", Text(container["readinessProbe"]["httpGet"]["port"]));
        Assert.Equal("/healthz/ready", Text(container["readinessProbe"]["httpGet"]["path"]));
        foreach (var key in (string[])["livenessProbe", "startupProbe", "lifecycle"])
        {
            Assert.False(DaemonSetManifest.Has(container, key), key);
        }

        var port = Assert.Single((YamlSequenceNode)container["ports"]);
        Assert.Equal(("15020", "ztunnel-stats"), (Text(port["containerPort"]), Text(port["name"])));
        Assert.False(DaemonSetManifest.Has(container["resources"], "limits"));
    }

    [Fact]
    public void Environment_HasTheChartsVariables() => Assert.Equal(
        [
            "CA_ADDRESS", "INPOD_ENABLED", "INSTANCE_IP", "ISTIO_META_CLUSTER_ID", "ISTIO_META_ENABLE_HBONE", "NODE_NAME",
            "POD_NAME", "POD_NAMESPACE", "RUST_BACKTRACE", "RUST_LOG", "SERVICE_ACCOUNT",
            "TERMINATION_GRACE_PERIOD_SECONDS", "XDS_ADDRESS", "ZTUNNEL_CPU_LIMIT", "ZTUNNEL_RESOURCE_CPU_REQUEST",
        ],
        ((YamlSequenceNode)_manifest.Container["env"]).Select(entry => Text(entry["name"])).Order(StringComparer.Ordinal));

    [Fact]
    public void Volumes_AreMountedWhereTheProxyLooks()
    {
        var mounts = ((YamlSequenceNode)_manifest.Container["volumeMounts"])
            .ToDictionary(mount => Text(mount["name"]), mount => Text(mount["mountPath"]));
        Assert.Equal(
            new Dictionary<string, string>
            {
                ["istiod-ca-cert"] = "/var/run/secrets/istio",
                ["istio-token"] = "/var/run/secrets/tokens",
                ["cni-ztunnel-sock-dir"] = "/var/run/ztunnel",
                ["tmp"] = "/tmp",
            },
            mounts);
        var volumes = ((YamlSequenceNode)_manifest.Pod["volumes"]).ToDictionary(volume => Text(volume["name"]));
        Assert.Equal(mounts.Keys.Order(), volumes.Keys.Order());
        Assert.Equal("istio-ca-root-cert", Text(volumes["istiod-ca-cert"]["configMap"]["name"]));
        var token = ((YamlSequenceNode)volumes["istio-token"]["projected"]["sources"]).Single()["serviceAccountToken"];
        Assert.Equal(
            ("istio-token", "istio-ca", "43200"),
            (Text(token["path"]), Text(token["audience"]), Text(token["expirationSeconds"])));
        Assert.Equal(
            ("/var/run/ztunnel", "DirectoryOrCreate"),
            (Text(volumes["cni-ztunnel-sock-dir"]["hostPath"]["path"]),
                Text(volumes["cni-ztunnel-sock-dir"]["hostPath"]["type"])));
    }

    [Fact]
    public void Pod_IsUpdatedScheduledAndNamedAsTheChartsOne()
    {
        var spec = _manifest.DaemonSet["spec"];
        var labels = (YamlMappingNode)spec["template"]["metadata"]["labels"];
        var annotations = spec["template"]["metadata"]["annotations"];
        Assert.Equal("ztunnel", Text(_manifest.DaemonSet["metadata"]["name"])); // the Sail operator looks for this name
        Assert.Equal("ztunnel", Text(spec["selector"]["matchLabels"]["app"]));
        Assert.Equal("ztunnel", Text(labels["app"]));
        Assert.Equal("none", Text(labels["istio.io/dataplane-mode"]));
        Assert.Equal("false", Text(labels["sidecar.istio.io/inject"]));
        Assert.Equal("false", Text(annotations["sidecar.istio.io/inject"]));
        Assert.Equal("true", Text(annotations["prometheus.io/scrape"]));
        Assert.Equal("15020", Text(annotations["prometheus.io/port"]));
        var update = spec["updateStrategy"];
        Assert.Equal(
            ("RollingUpdate", "1", "0"),
            (Text(update["type"]), Text(update["rollingUpdate"]["maxSurge"]),
                Text(update["rollingUpdate"]["maxUnavailable"])));
        var pod = _manifest.Pod;
        Assert.Equal("system-node-critical", Text(pod["priorityClassName"]));
        Assert.Equal("30", Text(pod["terminationGracePeriodSeconds"]));
        Assert.Equal("ztunnel", Text(pod["serviceAccountName"]));
        Assert.Equal("linux", Text(pod["nodeSelector"]["kubernetes.io/os"]));
        Assert.False(DaemonSetManifest.Has(pod, "hostNetwork"));
        Assert.Equal(3, ((YamlSequenceNode)pod["tolerations"]).Count());
    }

    private static string Text(YamlNode node) => DaemonSetManifest.Text(node);
}
