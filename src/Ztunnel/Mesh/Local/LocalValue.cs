using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Ztunnel.Mesh.Local;

/// <summary>A value of the mesh file that knows its place, so that every complaint names it.</summary>
/// <param name="file">Name of the file.</param>
/// <param name="path">Keys that lead here, as <c>workloads[2].workloadIps[0]</c>; built only for a complaint.</param>
/// <param name="node">The value.</param>
internal sealed class LocalValue(string file, LocalPath path, YamlNode node)
{
    private const string StandardTagPrefix = "tag:yaml.org,2002:";

    /// <summary>
    /// Where a list or mapping stands for nothing: an empty value, <c>~</c> or <c>null</c> without quotes.
    /// </summary>
    public bool IsNull => node is YamlScalar { IsPlain: true, Text: "" or "~" or "null" or "Null" or "NULL" };

    /// <summary>A tag of ours, as <c>!Exact</c>.</summary>
    public string? LocalTag =>
        node.Tag is null || node.Tag.StartsWith(StandardTagPrefix, StringComparison.Ordinal) ? null : node.Tag;

    public bool IsMapping => node is YamlMapping;

    public bool IsEmptyList => node is YamlSequence { Items.Count: 0 };

    /// <summary>Any scalar: <c>name: 80</c> is the text 80.</summary>
    public string Text() => Untagged() is YamlScalar scalar && !IsNull ? scalar.Text : throw Expected("text");

    /// <summary>The text of a scalar that carries a tag of ours.</summary>
    public string TaggedText() => node is YamlScalar scalar ? scalar.Text : throw Expected("text");

    public bool Boolean() => PlainText("true or false") switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => throw Expected("true or false"),
    };

    public ushort UInt16() => (ushort)Number(ushort.MaxValue, PlainText("a number"));

    public uint UInt32() => Number(uint.MaxValue, PlainText("a number"));

    /// <summary>An IPv4-mapped address is the IPv4 address.</summary>
    public IPAddress Address()
    {
        if (!IPAddressText.TryParse(Text(), out var address))
        {
            throw Error($"{Quoted()} is not an IP address");
        }

        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    public IPNetwork Network() =>
        Cidr.TryParse(Text(), out var network) ? network : throw Error($"{Quoted()} is not a CIDR or an IP address");

    public TValue Choice<TValue>(params ReadOnlySpan<(string Text, TValue Value)> choices)
    {
        var text = Text();
        List<string> names = [];
        foreach (var choice in choices)
        {
            if (choice.Text == text)
            {
                return choice.Value;
            }

            names.Add(choice.Text);
        }

        throw Error($"{Quoted()} is not one of {string.Join(", ", names)}");
    }

    public ImmutableArray<TItem> List<TItem>(Func<LocalValue, TItem> read)
    {
        var items = Untagged() is YamlSequence sequence ? sequence.Items : throw Expected("a list");
        var result = ImmutableArray.CreateBuilder<TItem>(items.Count);
        for (var i = 0; i < items.Count; i++)
        {
            result.Add(read(new(file, path.Item(i), items[i])));
        }

        return result.MoveToImmutable();
    }

    /// <summary>A mapping with keys of a fixed set.</summary>
    public LocalObject Object() => new(this, Entries());

    /// <summary>The keys and values of a mapping, each key once.</summary>
    public IEnumerable<(LocalValue Key, LocalValue Value)> Entries()
    {
        var mapping = Untagged() as YamlMapping ?? throw Expected("a mapping");
        HashSet<string> seen = [];
        foreach (var (key, value) in mapping.Entries)
        {
            if (key is not YamlScalar scalar)
            {
                throw new LocalValue(file, path, key).Error("expected a text key, got a list or mapping");
            }

            var at = path.Key(scalar.Text);
            var keyValue = new LocalValue(file, at, key);
            if (!seen.Add(scalar.Text))
            {
                throw keyValue.Error("this key is here twice");
            }

            yield return (keyValue, new(file, at, value));
        }
    }

    /// <summary>The text of a key, which nothing else can be.</summary>
    public string KeyText() => ((YamlScalar)node).Text;

    /// <summary>A number as key; quotes are fine there, as JSON cannot do without.</summary>
    public ushort UInt16Key() => (ushort)Number(ushort.MaxValue, KeyText());

    public LocalMeshException Expected(string expected) => Error($"expected {expected}, got {Kind()}");

    public LocalMeshException Error(string message) =>
        new(path.IsRoot
            ? $"{file}:{node.Line}:{node.Column}: {message}"
            : $"{file}:{node.Line}:{node.Column}: {path}: {message}");

    /// <summary>A scalar in quotes, for a complaint.</summary>
    public string Quoted() => $"\"{LocalText.Printable(((YamlScalar)node).Text)}\"";

    private YamlNode Untagged() =>
        LocalTag is null ? node : throw Error($"a value with tag {LocalTag} does not belong here");

    private string PlainText(string expected) =>
        Untagged() is YamlScalar { IsPlain: true } scalar ? scalar.Text : throw Expected(expected);

    private uint Number(uint max, string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= max
        && (text[0] != '0' || text.Length == 1)
            ? number
            : throw Error($"{Quoted()} is not a number from 0 to {max}");

    private string Kind() => node switch
    {
        YamlSequence => "a list",
        YamlMapping => "a mapping",
        _ when IsNull => "nothing",
        YamlScalar { IsPlain: false } => $"text {Quoted()}",
        _ => Quoted(),
    };
}
