using System.Collections.Immutable;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Ztunnel.Config;

/// <summary>
/// The keys of Istio's ProxyConfig that concern this proxy, from <c>defaultConfig</c> of the mesh config file or from
/// the variable <c>PROXY_CONFIG</c>. YAML or JSON; other keys are ignored. Immutable.
/// </summary>
internal sealed record ProxyConfig
{
    /// <summary>Where the mesh config is mounted, if it is. Relative: the image works in <c>/</c>.</summary>
    public const string MeshConfigPath = "./etc/istio/config/mesh";

    /// <summary>Name of the variable.</summary>
    public const string Variable = "PROXY_CONFIG";

    private const string MeshConfigKey = "defaultConfig";

    /// <summary>Address of istiod.</summary>
    public string? DiscoveryAddress { get; init; }

    public ushort? ProxyAdminPort { get; init; }

    public ushort? StatsPort { get; init; }

    /// <summary>Worker threads; 0 is one for each processor.</summary>
    public ushort? Concurrency { get; init; }

    /// <summary>As written, prefix <c>ISTIO_META_</c> included.</summary>
    public ImmutableDictionary<string, string> ProxyMetadata { get; init; } = [];

    /// <summary>Reads the mesh config file; null when there is none.</summary>
    /// <exception cref="ConfigurationException">The file is there and cannot be read or understood.</exception>
    public static ProxyConfig? ReadMeshConfigFile(string path = MeshConfigPath)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return FromMeshConfig(File.ReadAllText(path), path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException(path, $"cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Takes <c>defaultConfig</c> out of a mesh config.</summary>
    /// <param name="yaml">Text of the mesh config.</param>
    /// <param name="source">Named in errors.</param>
    public static ProxyConfig FromMeshConfig(string yaml, string source) =>
        Root(yaml, source)?.Children.TryGetValue(MeshConfigKey, out var node) == true
            ? FromNode(node, $"{source} {MeshConfigKey}")
            : new ProxyConfig();

    /// <summary>Reads a ProxyConfig; empty text sets nothing.</summary>
    /// <param name="yaml">Text of the ProxyConfig.</param>
    /// <param name="source">Named in errors.</param>
    public static ProxyConfig FromYaml(string yaml, string source) =>
        Root(yaml, source) is { } root ? FromNode(root, source) : new ProxyConfig();

    /// <summary>
    /// Field by field, <paramref name="other"/> where it sets one; of metadata both, the other's per key.
    /// </summary>
    public ProxyConfig OverriddenBy(ProxyConfig other) => new()
    {
        DiscoveryAddress = other.DiscoveryAddress ?? DiscoveryAddress,
        ProxyAdminPort = other.ProxyAdminPort ?? ProxyAdminPort,
        StatsPort = other.StatsPort ?? StatsPort,
        Concurrency = other.Concurrency ?? Concurrency,
        ProxyMetadata = ProxyMetadata.SetItems(other.ProxyMetadata),
    };

    private static YamlMappingNode? Root(string yaml, string source)
    {
        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(yaml));
            return stream.Documents is [var document, ..] ? Mapping(document.RootNode, source) : null;
        }
        catch (YamlException exception)
        {
            throw new ConfigurationException(
                source, $"line {exception.Start.Line} is not valid YAML: {exception.Message}", exception);
        }
    }

    private static ProxyConfig FromNode(YamlNode node, string source)
    {
        if (Mapping(node, source) is not { } mapping)
        {
            return new ProxyConfig();
        }

        return new ProxyConfig
        {
            DiscoveryAddress = Text(mapping, "discoveryAddress", source),
            ProxyAdminPort = Number(mapping, "proxyAdminPort", source),
            StatsPort = Number(mapping, "statsPort", source),
            Concurrency = Number(mapping, "concurrency", source),
            ProxyMetadata = Metadata(mapping, source),
        };
    }

    private static ImmutableDictionary<string, string> Metadata(YamlMappingNode mapping, string source)
    {
        const string Key = "proxyMetadata";
        if (!mapping.Children.TryGetValue(Key, out var node) || Mapping(node, $"{source} {Key}") is not { } entries)
        {
            return [];
        }

        return entries.Children.Keys
            .Select(key => key is YamlScalarNode { Value: { } name }
                ? KeyValuePair.Create(name, Text(entries, name, $"{source} {Key}") ?? "")
                : throw new ConfigurationException($"{source} {Key}", "expected text as keys"))
            .ToImmutableDictionary();
    }

    /// <summary>Null for a YAML null, which sets nothing.</summary>
    private static YamlMappingNode? Mapping(YamlNode node, string source) => node switch
    {
        YamlMappingNode mapping => mapping,
        YamlScalarNode scalar when IsNull(scalar) => null,
        _ => throw new ConfigurationException(source, "expected a mapping of keys to values"),
    };

    private static ushort? Number(YamlMappingNode mapping, string key, string source)
    {
        if (Text(mapping, key, source) is not { } text)
        {
            return null;
        }

        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw EnvironmentReader.Unexpected($"{source} {key}", "a whole number from 0 to 65535", text);
    }

    private static string? Text(YamlMappingNode mapping, string key, string source)
    {
        if (!mapping.Children.TryGetValue(key, out var node))
        {
            return null;
        }

        return node is YamlScalarNode scalar
            ? IsNull(scalar) ? null : scalar.Value
            : throw new ConfigurationException($"{source} {key}", "expected a single value");
    }

    private static bool IsNull(YamlScalarNode scalar) =>
        scalar is { Style: ScalarStyle.Plain, Value: null or "" or "~" or "null" };
}
