using System.Text.Json;
using Fixtures;
using YamlDotNet.RepresentationModel;

namespace Ztunnel.Tests.Inspect;

public sealed class YamlTests
{
    [Fact]
    public async Task Yaml_OfAPolicy_HasSortedNames() => Assert.Equal(
        """
        - action: Allow
          name: deny-9999
          namespace: default
          rules:
          - - - notDestinationPorts:
                - 9999
          scope: Namespace

        """.ReplaceLineEndings("\n"),
        await Inspecting.ShowAsync("policies", "-o", "yaml", "-f", Fixture.PathOf("config_dump", "localhost.json")));

    [Fact]
    public async Task Yaml_Empty_IsAnEmptyList() => Assert.Equal(
        "[]\n", await Inspecting.ShowTextAsync("""{"policies":[]}""", "policies", "-o", "yaml"));

    [Theory]
    [InlineData("true")]
    [InlineData("No")]
    [InlineData("~")]
    [InlineData("")]
    [InlineData("0x1F")]
    [InlineData("1_000")]
    [InlineData("1e3")]
    [InlineData(".5")]
    [InlineData("-.inf")]
    [InlineData("12:30:45")]
    [InlineData("2026-11-23T20:20:30Z")]
    [InlineData("# no comment")]
    [InlineData("a: b")]
    [InlineData("- a")]
    [InlineData(" spaces ")]
    [InlineData("*a")]
    [InlineData("line\nbreak")]
    [InlineData("\nline\n\nbreak \n")]
    [InlineData("tab\tand \u001b")]
    [InlineData("'\"")]
    public async Task Yaml_AnyString_StaysTheString(string text)
    {
        var yaml = await Inspecting.ShowTextAsync(
            $$"""{"policies":[{"name":{{JsonSerializer.Serialize(text)}}}]}""", "policies", "-o", "yaml");

        var name = Assert.IsType<YamlScalarNode>(Load(yaml)[0]["name"]);
        Assert.Equal(text, name.Value);
        Assert.True(name.Style is not YamlDotNet.Core.ScalarStyle.Plain, yaml);
    }

    [Theory]
    [InlineData("workload")]
    [InlineData("service")]
    [InlineData("policy")]
    [InlineData("certificate")]
    [InlineData("connections")]
    public async Task Yaml_OfRecordedDumps_SaysWhatJsonSays(string subject)
    {
        foreach (var dump in (string[])["localhost", "shared-na", "twopods-a"])
        {
            using var json = JsonDocument.Parse(Fixture.Read("istioctl", "recorded", $"{dump}.{subject}.json"));

            var yaml = await Inspecting.ShowAsync(
                subject, "-o", "yaml", "-f", Fixture.PathOf("config_dump", $"{dump}.json"));

            Same(json.RootElement, Load(yaml));
        }
    }

    private static YamlNode Load(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return stream.Documents.Single().RootNode;
    }

    private static void Same(JsonElement json, YamlNode yaml)
    {
        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var mapping = Assert.IsType<YamlMappingNode>(yaml);
                Assert.Equal(
                    json.EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal),
                    mapping.Children.Keys.Select(key => ((YamlScalarNode)key).Value));
                foreach (var member in json.EnumerateObject())
                {
                    Same(member.Value, mapping[member.Name]);
                }

                break;
            case JsonValueKind.Array:
                var items = Assert.IsType<YamlSequenceNode>(yaml).Children;
                Assert.Equal(json.GetArrayLength(), items.Count);
                foreach (var (item, node) in json.EnumerateArray().Zip(items))
                {
                    Same(item, node);
                }

                break;
            case JsonValueKind.String:
                Assert.Equal(json.GetString(), Assert.IsType<YamlScalarNode>(yaml).Value);
                break;
            default:
                var scalar = Assert.IsType<YamlScalarNode>(yaml);
                Assert.Equal(json.GetRawText(), scalar.Value);
                Assert.Equal(YamlDotNet.Core.ScalarStyle.Plain, scalar.Style);
                break;
        }
    }
}
