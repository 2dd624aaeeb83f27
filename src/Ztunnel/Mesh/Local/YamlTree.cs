using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Ztunnel.Mesh.Local;

/// <summary>
/// Builds the node tree of one YAML document from parser events. Depth and size are bounded, aliases included, so that
/// a small hostile text cannot grow into a large tree.
/// </summary>
internal sealed class YamlTree
{
    /// <summary>Twice what the deepest key of a mesh file needs.</summary>
    public const int MaxDepth = 24;

    /// <summary>Enough for 100,000 workloads.</summary>
    public const int MaxNodes = 5_000_000;

    private readonly string _file;
    private readonly Parser _parser;
    private readonly Dictionary<AnchorName, YamlNode> _anchors = [];
    private int _nodes;

    private YamlTree(TextReader text, string file)
    {
        _file = file;
        _parser = new Parser(text);
    }

    /// <summary>The document's root; null when the text is empty.</summary>
    /// <param name="text">Read to its end.</param>
    /// <param name="file">What errors call it.</param>
    /// <exception cref="LocalMeshException">
    /// The text is not YAML, holds several documents or is out of bounds.
    /// </exception>
    public static YamlNode? Parse(TextReader text, string file)
    {
        try
        {
            return new YamlTree(text, file).ReadStream();
        }
        catch (YamlException exception)
        {
            throw Error(file, exception.Start, exception.Message, exception);
        }
    }

    private static LocalMeshException Error(
        string file, Mark place, string message, Exception? innerException = null) =>
        new($"{file}:{place.Line}:{place.Column}: {message}", innerException);

    private YamlNode? ReadStream()
    {
        YamlNode? root = null;
        var documents = 0;
        while (Move())
        {
            switch (_parser.Current)
            {
                case DocumentStart when documents++ > 0:
                    throw Error("expected one document, a second one starts here");
                case NodeEvent or AnchorAlias:
                    root = ReadNode(depth: 1);
                    break;
                default:
                    break; // stream and document marks
            }
        }

        return root is YamlScalar { IsPlain: true, Text: "" } ? null : root;
    }

    private YamlNode ReadNode(int depth)
    {
        if (depth > MaxDepth)
        {
            throw Error($"nested deeper than {MaxDepth} levels");
        }

        var start = _parser.Current!;
        var node = start switch
        {
            AnchorAlias alias => Resolve(alias),
            Scalar scalar => ReadScalar(scalar),
            SequenceStart sequence => ReadSequence(sequence, depth),
            MappingStart mapping => ReadMapping(mapping, depth),
            _ => throw Error($"expected a value, got {start.GetType().Name}"),
        };
        if (start is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _anchors[anchored.Anchor] = node;
        }

        return node;
    }

    private YamlNode Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out var node))
        {
            throw Error($"alias *{alias.Value} has no anchor before it");
        }

        Count(node.Size);
        return node;
    }

    private YamlScalar ReadScalar(Scalar scalar)
    {
        Count(1);
        return new(
            scalar.Start.Line, scalar.Start.Column, TagOf(scalar), scalar.Value, scalar.Style == ScalarStyle.Plain);
    }

    private YamlSequence ReadSequence(SequenceStart start, int depth)
    {
        Count(1);
        var size = 1;
        List<YamlNode> items = [];
        while (MoveWithin<SequenceEnd>())
        {
            var item = ReadNode(depth + 1);
            items.Add(item);
            size += item.Size;
        }

        return new(start.Start.Line, start.Start.Column, TagOf(start), size, items);
    }

    private YamlMapping ReadMapping(MappingStart start, int depth)
    {
        Count(1);
        var size = 1;
        List<KeyValuePair<YamlNode, YamlNode>> entries = [];
        while (MoveWithin<MappingEnd>())
        {
            var key = ReadNode(depth + 1);
            _ = Move();
            var value = ReadNode(depth + 1);
            entries.Add(new(key, value));
            size += key.Size + value.Size;
        }

        return new(start.Start.Line, start.Start.Column, TagOf(start), size, entries);
    }

    private bool MoveWithin<TEnd>()
        where TEnd : ParsingEvent => Move() && _parser.Current is not TEnd;

    private bool Move()
    {
        try
        {
            return _parser.MoveNext();
        }
        catch (InvalidOperationException exception)
        {
            // YamlDotNet's scanner says so instead of throwing YamlException where a value starts with a character
            // that none may start with.
            throw Error(_file, _parser.Current?.End ?? Mark.Empty, "no value can start here", exception);
        }
    }

    private void Count(int nodes)
    {
        _nodes += nodes;
        if (_nodes > MaxNodes)
        {
            throw Error($"more than {MaxNodes} values, aliases followed");
        }
    }

    private static string? TagOf(NodeEvent node) =>
        node.Tag.IsEmpty || node.Tag.IsNonSpecific ? null : node.Tag.Value;

    private LocalMeshException Error(string message) => Error(_file, _parser.Current!.Start, message);
}
