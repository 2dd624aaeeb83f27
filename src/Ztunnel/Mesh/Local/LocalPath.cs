using System.Globalization;

namespace Ztunnel.Mesh.Local;

/// <summary>The keys that lead to a value. Linked, so that only a complaint pays for its text.</summary>
internal sealed class LocalPath
{
    private readonly LocalPath? _parent;
    private readonly string? _key;
    private readonly int _index;

    private LocalPath(LocalPath? parent, string? key, int index) => (_parent, _key, _index) = (parent, key, index);

    public static LocalPath Root { get; } = new(null, null, 0);

    public bool IsRoot => _parent is null;

    public LocalPath Key(string key) => new(this, key, 0);

    public LocalPath Item(int index) => new(this, null, index);

    /// <summary>For example <c>workloads[2].services["default/web"]</c>.</summary>
    public override string ToString()
    {
        if (_parent is null)
        {
            return "";
        }

        if (_key is null)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{_parent}[{_index}]");
        }

        var isName = _key.Length is > 0 and < 80 && _key.All(char.IsAsciiLetterOrDigit);
        return (isName, _parent.IsRoot) switch
        {
            (true, true) => _key,
            (true, false) => $"{_parent}.{_key}",
            _ => $"{_parent}[\"{LocalText.Printable(_key)}\"]",
        };
    }
}
