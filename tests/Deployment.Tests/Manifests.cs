using System.Text;
using Fixtures;
using YamlDotNet.RepresentationModel;

namespace Deployment.Tests;

/// <summary>Kubernetes objects as they would be applied, rendered by Helm or kustomize.</summary>
/// <param name="Text">The YAML stream.</param>
internal sealed record Manifests(string Text)
{
    /// <summary>The image that <see cref="ChartAsync"/> names.</summary>
    public const string Image = "registry.example/path/ztunnel:1.2.3";

    private static readonly string Folder = Path.Combine(Fixture.RepositoryRoot, "daemonset");

    public IReadOnlyList<YamlMappingNode> Objects { get; } = Parse(Text);

    /// <summary>Kinds in alphabetical order.</summary>
    public IEnumerable<string> Kinds => Objects.Select(item => item.Text("kind")).Order(StringComparer.Ordinal);

    public YamlNode DaemonSet => Only("DaemonSet");

    public YamlNode Pod => DaemonSet["spec"]["template"]["spec"];

    public YamlNode Container => Assert.Single(Pod["containers"].Items());

    /// <summary>The environment: a name's value, or <c>$</c> and the path of the field it comes from.</summary>
    public Dictionary<string, string> Environment => Container["env"].Items().ToDictionary(
        entry => entry.Text("name"),
        entry => entry.Has("value") ? entry.Text("value")
            : "$" + (entry["valueFrom"].Has("fieldRef")
                ? entry["valueFrom"]["fieldRef"].Text("fieldPath")
                : entry["valueFrom"]["resourceFieldRef"].Text("resource")));

    public YamlMappingNode Only(string kind) => Assert.Single(Objects, item => item.Text("kind") == kind);

    /// <summary>The chart in namespace <c>istio-system</c>, with further values as <c>name=value</c>, and an image named.</summary>
    public static async Task<Manifests> ChartAsync(params string[] values)
    {
        var result = await RenderAsync([$"image={Image}", .. values]);
        Assert.True(result.ExitCode == 0, result.Error);
        return new Manifests(result.Output);
    }

    /// <summary>What Helm says against values; an assertion fails if it takes them.</summary>
    public static async Task<string> RefusalAsync(params string[] values)
    {
        var result = await RenderAsync(values);
        Assert.NotEqual(0, result.ExitCode);
        Assert.Empty(result.Output);
        return result.Error;
    }

    /// <summary>The base alone, or an overlay of it with components.</summary>
    public static async Task<Manifests> KustomizeAsync(params string[] components)
    {
        var overlay = Directory.CreateTempSubdirectory("ztunnel-overlay-");
        try
        {
            var source = Path.GetRelativePath(overlay.FullName, Path.Combine(Folder, "kustomize"));
            var text = new StringBuilder($"resources: [{source}/base]\ncomponents:\n");
            foreach (var component in components)
            {
                text.Append("- ").Append(source).Append('/').Append(component).Append('\n');
            }

            await File.WriteAllTextAsync(
                Path.Combine(overlay.FullName, "kustomization.yaml"), text.ToString(), TestContext.Current.CancellationToken);
            return await BuildAsync(overlay.FullName);
        }
        finally
        {
            overlay.Delete(recursive: true);
        }
    }

    /// <summary><c>daemonset/kustomize</c> as it is.</summary>
    public static Task<Manifests> KustomizeRootAsync() => BuildAsync(Path.Combine(Folder, "kustomize"));

    private static async Task<Manifests> BuildAsync(string folder)
    {
        var result = await Tool.RunAsync("kubectl", "kustomize", folder);
        Assert.True(result.ExitCode == 0, result.Error);
        return new Manifests(result.Output);
    }

    private static Task<ToolResult> RenderAsync(string[] values) => Tool.RunAsync(
        "helm",
        ["template", "ztunnel", Path.Combine(Folder, "chart"), "--namespace", "istio-system", .. values.SelectMany(Option)]);

    // A value that begins with a bracket is JSON.
    private static string[] Option(string value) =>
        [value.Split('=', 2)[1] is ['[' or '{', ..] ? "--set-json" : "--set", value];

    private static List<YamlMappingNode> Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return [.. stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>()];
    }
}
