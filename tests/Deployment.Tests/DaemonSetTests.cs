using YamlDotNet.RepresentationModel;

namespace Deployment.Tests;

/// <summary>What an image swap relies on, from the chart's default values and from the kustomization; node-integration 4.1, 4.5.</summary>
public sealed class DaemonSetTests
{
    [Theory, InlineData("chart"), InlineData("kustomize")]
    public async Task Container_HasTheNameArgumentsAndRightsOfTheContract(string source)
    {
        var manifests = await RenderAsync(source);
        var container = manifests.Container;
        Assert.Equal("istio-proxy", container.Text("name"));
        Assert.False(container.Has("command"));
        Assert.Equal(["proxy", "ztunnel"], container["args"].Texts());
        Assert.Equal(
            "{allowPrivilegeEscalation: 'true', capabilities: {add: ['NET_ADMIN', 'SYS_ADMIN', 'NET_RAW'], drop: ['ALL']}, "
                + "privileged: 'false', readOnlyRootFilesystem: 'true', runAsGroup: '1337', runAsNonRoot: 'false', runAsUser: '0'}",
            container["securityContext"].Canonical());
        Assert.False(manifests.Pod.Has("securityContext")); // no seccomp, no AppArmor profile
    }

    [Theory, InlineData("chart"), InlineData("kustomize")]
    public async Task Container_HasOnePortAReadinessProbeAndNoOther(string source)
    {
        var container = (await RenderAsync(source)).Container;
        Assert.Equal("{httpGet: {path: '/healthz/ready', port: '15021'}}", container["readinessProbe"].Canonical());
        Assert.Equal(
            "[{containerPort: '15020', name: 'ztunnel-stats', protocol: 'TCP'}]", container["ports"].Canonical());
        Assert.Equal("{requests: {cpu: '200m', memory: '512Mi'}}", container["resources"].Canonical());
        Assert.DoesNotContain(container.Keys(), key => key is "livenessProbe" or "startupProbe" or "lifecycle");
    }

    [Theory, InlineData("chart"), InlineData("kustomize")]
    public async Task Environment_HasEveryVariableOfTheContract(string source) => Assert.Equal(
        new Dictionary<string, string>
        {
            ["CA_ADDRESS"] = "istiod.istio-system.svc:15012",
            ["XDS_ADDRESS"] = "istiod.istio-system.svc:15012",
            ["RUST_LOG"] = "info",
            ["RUST_BACKTRACE"] = "1",
            ["ISTIO_META_CLUSTER_ID"] = "Kubernetes",
            ["INPOD_ENABLED"] = "true",
            ["TERMINATION_GRACE_PERIOD_SECONDS"] = "30",
            ["POD_NAME"] = "$metadata.name",
            ["POD_NAMESPACE"] = "$metadata.namespace",
            ["NODE_NAME"] = "$spec.nodeName",
            ["INSTANCE_IP"] = "$status.podIP",
            ["SERVICE_ACCOUNT"] = "$spec.serviceAccountName",
            ["ISTIO_META_ENABLE_HBONE"] = "true",
            ["ZTUNNEL_CPU_LIMIT"] = "$limits.cpu",
            ["ZTUNNEL_RESOURCE_CPU_REQUEST"] = "$requests.cpu",
        }.OrderBy(pair => pair.Key, StringComparer.Ordinal),
        (await RenderAsync(source)).Environment.OrderBy(pair => pair.Key, StringComparer.Ordinal));

    [Theory, InlineData("chart"), InlineData("kustomize")]
    public async Task Volumes_AreMountedWhereTheProxyLooks(string source)
    {
        var manifests = await RenderAsync(source);
        Assert.Equal(
            "[{mountPath: '/var/run/secrets/istio', name: 'istiod-ca-cert'}, "
                + "{mountPath: '/var/run/secrets/tokens', name: 'istio-token'}, "
                + "{mountPath: '/var/run/ztunnel', name: 'cni-ztunnel-sock-dir'}, {mountPath: '/tmp', name: 'tmp'}]",
            manifests.Container["volumeMounts"].Canonical());
        Assert.Equal(
            "[{configMap: {name: 'istio-ca-root-cert'}, name: 'istiod-ca-cert'}, "
                + "{name: 'istio-token', projected: {sources: [{serviceAccountToken: "
                + "{audience: 'istio-ca', expirationSeconds: '43200', path: 'istio-token'}}]}}, "
                + "{hostPath: {path: '/var/run/ztunnel', type: 'DirectoryOrCreate'}, name: 'cni-ztunnel-sock-dir'}, "
                + "{emptyDir: {}, name: 'tmp'}]",
            manifests.Pod["volumes"].Canonical());
    }

    [Theory, InlineData("chart"), InlineData("kustomize")]
    public async Task Pod_IsUpdatedScheduledAndNamedAsTheContractSays(string source)
    {
        var manifests = await RenderAsync(source);
        var (daemonSet, pod) = (manifests.DaemonSet, manifests.Pod);
        var spec = daemonSet["spec"];
        Assert.Equal("ztunnel", daemonSet["metadata"].Text("name")); // the Sail operator looks for this name
        Assert.Equal("istio-system", daemonSet["metadata"].Text("namespace"));
        Assert.False(daemonSet["metadata"]["labels"].Has("app"));
        Assert.Equal("{matchLabels: {app: 'ztunnel'}}", spec["selector"].Canonical());
        Assert.Equal(
            "{rollingUpdate: {maxSurge: '1', maxUnavailable: '0'}, type: 'RollingUpdate'}", spec["updateStrategy"].Canonical());
        Assert.Equal(
            "{prometheus.io/port: '15020', prometheus.io/scrape: 'true', sidecar.istio.io/inject: 'false'}",
            spec["template"]["metadata"]["annotations"].Canonical());
        var labels = spec["template"]["metadata"]["labels"];
        Assert.Equal("ztunnel", labels.Text("app"));
        Assert.Equal("ztunnel", labels.Text("app.kubernetes.io/name"));
        Assert.Equal("istio", labels.Text("app.kubernetes.io/part-of"));
        Assert.Equal("false", labels.Text("sidecar.istio.io/inject"));
        Assert.Equal("none", labels.Text("istio.io/dataplane-mode"));
        Assert.Equal("system-node-critical", pod.Text("priorityClassName"));
        Assert.Equal("30", pod.Text("terminationGracePeriodSeconds"));
        Assert.Equal("ztunnel", pod.Text("serviceAccountName"));
        Assert.Equal("{kubernetes.io/os: 'linux'}", pod["nodeSelector"].Canonical());
        Assert.Equal(
            "[{effect: 'NoSchedule', operator: 'Exists'}, {key: 'CriticalAddonsOnly', operator: 'Exists'}, "
                + "{effect: 'NoExecute', operator: 'Exists'}]",
            pod["tolerations"].Canonical());
        Assert.DoesNotContain(
            pod.Keys(), key => key is "hostNetwork" or "hostPID" or "hostUsers" or "dnsPolicy" or "dnsConfig" or "affinity");
    }

    [Fact]
    public async Task E6_ChartAndKustomization_DifferInImageAndLabelsOfHelmOnly()
    {
        var (chart, kustomize) = (await Manifests.ChartAsync(), await Manifests.KustomizeRootAsync());
        Assert.Equal(["DaemonSet", "ServiceAccount"], chart.Kinds);
        Assert.Equal(chart.Kinds, kustomize.Kinds);
        foreach (var manifests in (Manifests[])[chart, kustomize])
        {
            var container = (YamlMappingNode)manifests.Container;
            Assert.Equal(manifests == chart ? Manifests.Image : "registry.invalid/ztunnel:latest", container.Text("image"));
            container.Children["image"] = "same";
            foreach (var labels in manifests.Objects.Select(item => item["metadata"]["labels"])
                .Append(manifests.DaemonSet["spec"]["template"]["metadata"]["labels"]).Cast<YamlMappingNode>())
            {
                foreach (var key in (string[])["helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance",
                    "app.kubernetes.io/version"])
                {
                    Assert.Equal(manifests == chart, labels.Children.Remove(key));
                }
            }
        }

        Assert.Equal(chart.DaemonSet.Canonical(), kustomize.DaemonSet.Canonical());
        Assert.Equal(chart.Only("ServiceAccount").Canonical(), kustomize.Only("ServiceAccount").Canonical());
    }

    private static Task<Manifests> RenderAsync(string source) =>
        source == "chart" ? Manifests.ChartAsync() : Manifests.KustomizeAsync();
}
