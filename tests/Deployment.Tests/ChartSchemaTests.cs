using System.Text.Json;
using Fixtures;
using YamlDotNet.RepresentationModel;

namespace Deployment.Tests;

/// <summary><c>values.schema.json</c>: a wrong value stops the installation and is named.</summary>
public sealed class ChartSchemaTests
{
    [Theory]
    [InlineData("logAsJson=yes", "/logAsJson")]
    [InlineData("terminationGracePeriodSeconds=30s", "/terminationGracePeriodSeconds")]
    [InlineData("terminationGracePeriodSeconds=-1", "/terminationGracePeriodSeconds")]
    [InlineData("image=1", "/image")]
    [InlineData("hub={\"a\":1}", "/hub")]
    [InlineData("tag=13", "/tag")]
    [InlineData("env=[\"A=1\"]", "/env")]
    [InlineData("env={\"A\":{\"valueFrom\":{}}}", "/env/A")]
    [InlineData("resources.requests=2", "/resources/requests")]
    [InlineData("resources.limit.cpu=2", "limit")]
    [InlineData("tolerations={\"operator\":\"Exists\"}", "/tolerations")]
    [InlineData("imagePullSecrets=secret", "/imagePullSecrets")]
    [InlineData("imagePullPolicy=Sometimes", "/imagePullPolicy")]
    [InlineData("updateStrategy.type=Recreate", "/updateStrategy/type")]
    [InlineData("peerCaCrl.enabled=on", "/peerCaCrl/enabled")]
    [InlineData("networkPolicy=true", "/networkPolicy")]
    [InlineData("global.networkPolicy.enabled=1", "/global/networkPolicy/enabled")]
    [InlineData("platform=opensift", "/platform")]
    [InlineData("resourceScope=pod", "/resourceScope")]
    [InlineData("podLabels.a=1", "/podLabels/a")]
    [InlineData("volumes={\"name\":\"x\"}", "/volumes")]
    [InlineData("seLinuxOptions.typ=spc_t", "typ")]
    [InlineData("dnsPolicy=None_", "/dnsPolicy")]
    [InlineData("logLvel=debug", "logLvel")]
    [InlineData("resourceName=Not_a_name", "/resourceName")]
    public async Task Value_OfAWrongTypeOrName_IsRefusedByName(string value, string named)
    {
        var error = await Manifests.RefusalAsync($"image={Manifests.Image}", value);
        Assert.Contains("values don't meet the specifications of the schema", error, StringComparison.Ordinal);
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("global.proxy.autoInject=disabled")] // other charts of Istio share 'global'
    [InlineData("compatibilityVersion=1.29")]
    [InlineData("meshConfig.trustDomain=example.org")]
    [InlineData("nodeSelector.pool=null")]
    public async Task Value_OfOtherCharts_IsTaken(string value) => Assert.NotEmpty((await Manifests.ChartAsync(value)).Objects);

    [Fact]
    public void Schema_KnowsEachDefault_AndHasNoOtherButHistoricNames()
    {
        var chart = Path.Combine(Fixture.RepositoryRoot, "daemonset", "chart");
        var yaml = new YamlStream();
        using (var values = File.OpenText(Path.Combine(chart, "values.yaml")))
        {
            yaml.Load(values);
        }

        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(chart, "values.schema.json")));
        var known = schema.RootElement.GetProperty("definitions").GetProperty("values").GetProperty("properties")
            .EnumerateObject().Select(property => property.Name);
        Assert.Equal(
            yaml.Documents[0].RootNode["_internal_defaults_do_not_set"].Keys().Concat(["ownerName", "compatibilityVersion"]).Order(),
            known.Order());
    }
}
