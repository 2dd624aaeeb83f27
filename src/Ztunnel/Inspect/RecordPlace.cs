namespace Ztunnel.Inspect;

/// <summary>Where in a dump a reader is, for error messages, and the strings it has seen. One for a whole dump.</summary>
internal sealed class RecordPlace
{
    /// <summary>Name of the section.</summary>
    public string Section { get; set; } = "";

    /// <summary>Of the record in its section, from 0.</summary>
    public int Index { get; set; }

    /// <summary>Names of the fields that are being read, from the outside in.</summary>
    public List<string> Fields { get; } = [];

    /// <summary>Strings of the dump.</summary>
    public StringPool Strings { get; } = new();

    /// <summary>As in <c>workloads[3].locality.region</c>.</summary>
    public override string ToString() => string.Join('.', [$"{Section}[{Index}]", .. Fields]);
}
