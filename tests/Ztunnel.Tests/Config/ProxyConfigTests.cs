using Ztunnel.Config;

namespace Ztunnel.Tests.Config;

public class ProxyConfigTests
{
    [Fact]
    public void FromYaml_KnownKeysRead_OthersIgnored()
    {
        var config = ProxyConfig.FromYaml(
            """
            discoveryAddress: istiod:15012
            proxyAdminPort: 1
            statsPort: "2"
            concurrency: 0
            proxyMetadata:
              A: text
              B: 1
              C:
            tracing: { zipkin: { address: x } }
            """,
            "test");

        Assert.Equal("istiod:15012", config.DiscoveryAddress);
        Assert.Equal((ushort)1, config.ProxyAdminPort);
        Assert.Equal((ushort)2, config.StatsPort);
        Assert.Equal((ushort)0, config.Concurrency);
        Assert.Equal(new Dictionary<string, string> { ["A"] = "text", ["B"] = "1", ["C"] = "" }, config.ProxyMetadata);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("~")]
    [InlineData("# nothing")]
    [InlineData("statsPort: null")]
    [InlineData("proxyMetadata: null")]
    public void FromYaml_NothingSet_SetsNothing(string yaml)
    {
        var config = ProxyConfig.FromYaml(yaml, "test");

        Assert.Null(config.StatsPort);
        Assert.Empty(config.ProxyMetadata);
    }

    [Theory]
    [InlineData("statsPort: 70000", "PROXY_CONFIG statsPort")]
    [InlineData("statsPort: -1", "PROXY_CONFIG statsPort")]
    [InlineData("proxyAdminPort: x", "PROXY_CONFIG proxyAdminPort")]
    [InlineData("concurrency: 1.5", "PROXY_CONFIG concurrency")]
    [InlineData("concurrency: [1]", "PROXY_CONFIG concurrency")]
    [InlineData("discoveryAddress: {}", "PROXY_CONFIG discoveryAddress")]
    [InlineData("proxyMetadata: text", "PROXY_CONFIG proxyMetadata")]
    [InlineData("proxyMetadata: {A: []}", "PROXY_CONFIG proxyMetadata A")]
    [InlineData("proxyMetadata: {[a]: b}", "PROXY_CONFIG proxyMetadata")]
    [InlineData("- a", "PROXY_CONFIG")]
    [InlineData("text", "PROXY_CONFIG")]
    [InlineData("a: {", "PROXY_CONFIG")]
    [InlineData("a: 1\na: 2", "PROXY_CONFIG")]
    public void Variable_NotUnderstood_StopsTheStartAndNamesTheKey(string yaml, string setting) =>
        Assert.Equal(
            setting, Assert.Throws<ConfigurationException>(() => Options.From(("PROXY_CONFIG", yaml))).Setting);

    [Theory]
    [InlineData("rootNamespace: istio-system")]
    [InlineData("defaultConfig:")]
    [InlineData("defaultConfig: {}")]
    [InlineData("defaultConfig: {statsPort: 1}")]
    public void MeshConfig_WithoutMetadata_IsFine(string yaml) =>
        Assert.Empty(ProxyConfig.FromMeshConfig(yaml, "test").ProxyMetadata);

    [Fact]
    public void MeshConfigFile_Missing_IsNone() =>
        Assert.Null(ProxyConfig.ReadMeshConfigFile(Path.Combine(AppContext.BaseDirectory, "no", "mesh")));

    [Fact]
    public void MeshConfigFile_Recorded_Read()
    {
        var config = ProxyConfig.ReadMeshConfigFile(Fixtures.Fixture.PathOf("mesh", "mesh_config.yaml"));

        Assert.Equal((ushort)15888, config?.StatsPort);
        Assert.Equal("foobar", config?.ProxyMetadata["ISTIO_META_FOOBAR"]);
    }
}
