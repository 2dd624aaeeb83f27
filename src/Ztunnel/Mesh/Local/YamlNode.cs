namespace Ztunnel.Mesh.Local;

/// <summary>A node of a YAML document (YAML 1.2 §3.2.1) with its place in the text, counted from 1.</summary>
/// <param name="Tag">Explicit tag, as <c>!Exact</c>; null without one.</param>
/// <param name="Size">Number of nodes in it, itself included, aliases followed.</param>
internal abstract record YamlNode(long Line, long Column, string? Tag, int Size);

/// <param name="IsPlain">Written without quotes, so that <c>true</c> and <c>80</c> are no text.</param>
internal sealed record YamlScalar(long Line, long Column, string? Tag, string Text, bool IsPlain)
    : YamlNode(Line, Column, Tag, Size: 1);

internal sealed record YamlSequence(long Line, long Column, string? Tag, int Size, IReadOnlyList<YamlNode> Items)
    : YamlNode(Line, Column, Tag, Size);

internal sealed record YamlMapping(
    long Line, long Column, string? Tag, int Size, IReadOnlyList<KeyValuePair<YamlNode, YamlNode>> Entries)
    : YamlNode(Line, Column, Tag, Size);
