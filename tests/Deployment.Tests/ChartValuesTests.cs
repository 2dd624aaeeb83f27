namespace Deployment.Tests;

/// <summary>What the chart's values change; node-integration 4.1 and 4.3.</summary>
public sealed class ChartValuesTests
{
    [Theory]
    [InlineData("registry.example/a/b@sha256:00", "image=registry.example/a/b@sha256:00", "hub=h", "tag=t")]
    [InlineData("docker.io/istio/ztunnel:1.30.0", "image=ztunnel", "hub=docker.io/istio", "tag=1.30.0")]
    [InlineData("h/ztunnel:1.30-distroless", "image=ztunnel", "global.hub=h", "global.tag=1.30-x", "tag=1.30", "variant=distroless")]
    public async Task Image_IsTakenWholeOrPutTogether(string image, params string[] values) =>
        Assert.Equal(image, (await Manifests.ChartAsync(values)).Container.Text("image"));

    [Fact]
    public async Task Image_WithoutHub_IsAskedFor() => Assert.Contains(
        "set image=REGISTRY/PATH/IMAGE:TAG, or hub and tag", await Manifests.RefusalAsync("logLevel=info"), StringComparison.Ordinal);

    [Theory]
    [InlineData("RUST_LOG", "info,access=debug", "logLevel=info\\,access=debug")]
    [InlineData("LOG_FORMAT", "json", "logAsJson=true")]
    [InlineData("NETWORK", "net1", "network=net1")]
    [InlineData("NETWORK", "net1", "global.network=net1")]
    [InlineData("NETWORK", "net1", "global.network=net2", "network=net1")]
    [InlineData("ISTIO_META_CLUSTER_ID", "east", "multiCluster.clusterName=east")]
    [InlineData("CA_ADDRESS", "ca:1", "caAddress=ca:1")]
    [InlineData("XDS_ADDRESS", "https://x:2", "xdsAddress=https://x:2")]
    [InlineData("XDS_ADDRESS", "istiod-canary.mesh.svc:15012", "revision=canary", "istioNamespace=mesh")]
    [InlineData("TERMINATION_GRACE_PERIOD_SECONDS", "3600", "terminationGracePeriodSeconds=3600")]
    [InlineData("CRL_PATH", "/var/run/secrets/istio/crl/ca-crl.pem", "peerCaCrl.enabled=true")]
    [InlineData("STATE_DIR", "/state", "env.STATE_DIR=/state")]
    [InlineData("POOL_MAX_STREAMS_PER_CONNECTION", "1000000", "env.POOL_MAX_STREAMS_PER_CONNECTION=1000000")]
    [InlineData("XDS_ON_DEMAND", "true", "env.XDS_ON_DEMAND=true")]
    [InlineData("A", "from env", "env.A=from env", "meshConfig.defaultConfig.proxyMetadata.A=from metadata")]
    [InlineData("A", "from metadata", "meshConfig.defaultConfig.proxyMetadata.A=from metadata")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_LIMIT", "$limits.cpu", "resources.limits.cpu=2")]
    [InlineData("RUST_LOG", "debug", "env.RUST_LOG=debug")]
    [InlineData("NODE_NAME", "fixed", "env.NODE_NAME=fixed")]
    public async Task Environment_FollowsValues_AndHasEachNameOnce(string name, string expected, params string[] values) =>
        Assert.Equal(expected, (await Manifests.ChartAsync(values)).Environment[name]);

    [Theory]
    [InlineData("CRL_PATH")]
    [InlineData("LOG_FORMAT")]
    [InlineData("NETWORK")]
    [InlineData("ZTUNNEL_RESOURCE_CPU_REQUEST", "resources={\"limits\":{\"memory\":\"1Gi\"},\"requests\":null}")]
    [InlineData("ISTIO_META_ENABLE_HBONE", "profile=default")]
    public async Task Environment_LeavesAwayWhatHasNoValue(string name, params string[] values) =>
        Assert.DoesNotContain(name, (await Manifests.ChartAsync(values)).Environment.Keys);

    [Theory]
    [InlineData("platform=openshift")]
    [InlineData("global.platform=openshift")]
    [InlineData("profile=openshift-ambient")]
    public async Task OpenShift_HasTheSelinuxTypeAndTheConstraint(string value)
    {
        var manifests = await Manifests.ChartAsync(value);
        Assert.Equal("{type: 'spc_t'}", manifests.Container["securityContext"]["seLinuxOptions"].Canonical());
        Assert.Equal(
            "[{apiGroups: ['security.openshift.io'], resourceNames: ['privileged'], "
                + "resources: ['securitycontextconstraints'], verbs: ['use']}]",
            manifests.Only("ClusterRole")["rules"].Canonical());
        Assert.Equal(
            "[{kind: 'ServiceAccount', name: 'ztunnel', namespace: 'istio-system'}]",
            manifests.Only("ClusterRoleBinding")["subjects"].Canonical());
    }

    [Theory]
    [InlineData("all", "ClusterRole ClusterRoleBinding DaemonSet NetworkPolicy PodMonitor ResourceQuota ServiceAccount")]
    [InlineData("cluster", "ClusterRole ClusterRoleBinding")]
    [InlineData("namespace", "DaemonSet NetworkPolicy PodMonitor ResourceQuota ServiceAccount")]
    public async Task ResourceScope_ChoosesTheKinds(string scope, string kinds) => Assert.Equal(
        kinds.Split(' '),
        (await Manifests.ChartAsync(
            "platform=openshift", "global.networkPolicy.enabled=true", "podMonitor.enabled=true", "resourceQuotas.enabled=true",
            $"resourceScope={scope}")).Kinds);

    [Fact]
    public async Task Gke_HasAQuotaForTheCriticalPriority()
    {
        var quota = (await Manifests.ChartAsync("platform=gke")).Only("ResourceQuota");
        Assert.Equal(
            "{hard: {pods: '5000'}, scopeSelector: {matchExpressions: [{operator: 'In', scopeName: 'PriorityClass', "
                + "values: ['system-node-critical']}]}}",
            quota["spec"].Canonical());
    }

    [Fact]
    public async Task NetworkPolicy_AndPodMonitor_AreTheSameInChartAndKustomization()
    {
        var chart = await Manifests.ChartAsync("networkPolicy.enabled=true", "podMonitor.enabled=true");
        var kustomize = await Manifests.KustomizeAsync("network-policy", "prometheus");
        var ports = Assert.Single(chart.Only("NetworkPolicy")["spec"]["ingress"].Items())["ports"].Items()
            .Select(port => $"{port.Text("port")}/{port.Text("protocol")}");
        Assert.Equal(
            ["15000/TCP", "15001/TCP", "15006/TCP", "15008/TCP", "15020/TCP", "15021/TCP", "15053/TCP", "15053/UDP"],
            ports.Order(StringComparer.Ordinal));
        Assert.Equal("[{}]", chart.Only("NetworkPolicy")["spec"]["egress"].Canonical());
        Assert.Equal(
            "[{path: '/metrics', port: 'ztunnel-stats'}]", chart.Only("PodMonitor")["spec"]["podMetricsEndpoints"].Canonical());
        foreach (var kind in (string[])["NetworkPolicy", "PodMonitor"])
        {
            Assert.Equal(chart.Only(kind)["spec"].Canonical(), kustomize.Only(kind)["spec"].Canonical());
        }
    }

    [Fact]
    public async Task OpenShiftComponent_AllowsWhatTheContainerAsksForAndNoMore()
    {
        var manifests = await Manifests.KustomizeAsync("openshift");
        var (constraint, security) = (manifests.Only("SecurityContextConstraints"), manifests.Container["securityContext"]);
        Assert.Equal("{type: 'spc_t'}", security["seLinuxOptions"].Canonical());
        Assert.Equal(security["capabilities"]["add"].Canonical(), constraint["allowedCapabilities"].Canonical());
        Assert.Equal(security["capabilities"]["drop"].Canonical(), constraint["requiredDropCapabilities"].Canonical());
        Assert.Equal(security.Text("privileged"), constraint.Text("allowPrivilegedContainer"));
        Assert.Equal(
            manifests.Pod["volumes"].Items().SelectMany(volume => volume.Keys()).Where(key => key != "name").Order(),
            constraint["volumes"].Texts().Order());
        Assert.Equal(
            constraint["metadata"].Text("name"), Assert.Single(manifests.Only("ClusterRole")["rules"][0]["resourceNames"].Texts()));
    }

    [Fact]
    public async Task PodsAndObjects_TakeLabelsAnnotationsAndScheduling()
    {
        var manifests = await Manifests.ChartAsync(
            "resourceName=other", "labels.l=1x", "annotations.a=2x", "podLabels.p=3x", "podLabels.app=stolen", "podAnnotations.q=4x",
            "revision=canary", "nodeSelector.pool=edge", "imagePullSecrets=[\"one\",\"two\"]", "imagePullPolicy=Always",
            "dnsPolicy=Default", "dnsConfig={\"nameservers\":[\"10.0.0.1\"]}", "trustBundleName=bundle",
            "affinity={\"nodeAffinity\":{}}", "updateStrategy.rollingUpdate.maxSurge=10%", "seLinuxOptions.level=s0",
            "volumes=[{\"name\":\"state\",\"emptyDir\":{}}]", "volumeMounts=[{\"name\":\"state\",\"mountPath\":\"/state\"}]");
        var (daemonSet, pod) = (manifests.DaemonSet, manifests.Pod);
        var template = daemonSet["spec"]["template"]["metadata"];
        Assert.Equal(("other", "other"), (daemonSet["metadata"].Text("name"), pod.Text("serviceAccountName")));
        Assert.Equal("1x", daemonSet["metadata"]["labels"].Text("l"));
        Assert.Equal("2x", manifests.Only("ServiceAccount")["metadata"]["annotations"].Text("a"));
        Assert.Equal(("3x", "ztunnel"), (template["labels"].Text("p"), template["labels"].Text("app")));
        Assert.Equal(("4x", "canary"), (template["annotations"].Text("q"), template["annotations"].Text("istio.io/rev")));
        Assert.Equal("{kubernetes.io/os: 'linux', pool: 'edge'}", pod["nodeSelector"].Canonical());
        Assert.Equal("[{name: 'one'}, {name: 'two'}]", manifests.Only("ServiceAccount")["imagePullSecrets"].Canonical());
        Assert.Equal("Always", manifests.Container.Text("imagePullPolicy"));
        Assert.Equal(("Default", "10.0.0.1"), (pod.Text("dnsPolicy"), pod["dnsConfig"]["nameservers"][0].Text()));
        Assert.Equal("bundle", pod["volumes"][0]["configMap"].Text("name"));
        Assert.Equal("{nodeAffinity: {}}", pod["affinity"].Canonical());
        Assert.Equal("10%", daemonSet["spec"]["updateStrategy"]["rollingUpdate"].Text("maxSurge"));
        Assert.Equal("{level: 's0'}", manifests.Container["securityContext"]["seLinuxOptions"].Canonical());
        Assert.Equal("{emptyDir: {}, name: 'state'}", pod["volumes"].Items().Last().Canonical());
        Assert.Equal("{mountPath: '/state', name: 'state'}", manifests.Container["volumeMounts"].Items().Last().Canonical());
    }

    [Fact]
    public async Task TrustBundleApi_AndRevocation_BringTheirVolumes()
    {
        var volumes = (await Manifests.ChartAsync("env.ENABLE_CLUSTER_TRUST_BUNDLE_API=true", "peerCaCrl.enabled=true"))
            .Pod["volumes"].Items().ToDictionary(volume => volume.Text("name"), volume => volume.Canonical());
        Assert.Contains("clusterTrustBundle: ", volumes["istiod-ca-cert"], StringComparison.Ordinal);
        Assert.Contains("path: 'root-cert.pem'", volumes["istiod-ca-cert"], StringComparison.Ordinal);
        Assert.Equal("{configMap: {name: 'istio-ca-crl', optional: 'true'}, name: 'crl-volume'}", volumes["crl-volume"]);
    }
}
