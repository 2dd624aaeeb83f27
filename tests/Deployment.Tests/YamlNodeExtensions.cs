using YamlDotNet.RepresentationModel;

namespace Deployment.Tests;

/// <summary>Short ways into a YAML tree.</summary>
internal static class YamlNodeExtensions
{
    public static string Text(this YamlNode node) => ((YamlScalarNode)node).Value!;

    public static string Text(this YamlNode node, string key) => node[key].Text();

    public static IEnumerable<YamlNode> Items(this YamlNode node) => (YamlSequenceNode)node;

    public static IEnumerable<string> Texts(this YamlNode node) => node.Items().Select(Text);

    public static bool Has(this YamlNode node, string key) => ((YamlMappingNode)node).Children.ContainsKey(key);

    public static IEnumerable<string> Keys(this YamlNode node) => ((YamlMappingNode)node).Children.Keys.Select(Text);

    /// <summary>The tree as one text, keys sorted and without how scalars are quoted, so that equal trees are equal texts.</summary>
    public static string Canonical(this YamlNode node) => node switch
    {
        YamlScalarNode scalar => $"'{scalar.Value}'",
        YamlSequenceNode items => $"[{string.Join(", ", items.Select(Canonical))}]",
        YamlMappingNode map => $"{{{string.Join(", ", map.Children
            .OrderBy(pair => pair.Key.Text(), StringComparer.Ordinal)
            .Select(pair => $"{pair.Key.Text()}: {pair.Value.Canonical()}"))}}}",
        _ => throw new InvalidOperationException($"no canonical form of {node.NodeType}"),
    };
}
