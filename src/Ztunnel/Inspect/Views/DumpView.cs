namespace Ztunnel.Inspect.Views;

/// <summary>One question to a config dump, answered like <c>istioctl ztunnel-config</c> does.</summary>
internal abstract class DumpView
{
    /// <summary>What <see cref="Records"/> reads.</summary>
    public abstract DumpSections RecordSections { get; }

    /// <summary>What <see cref="Table"/> reads.</summary>
    public abstract DumpSections TableSections { get; }

    /// <summary>What JSON and YAML show, filtered, in their order; null prints as <c>null</c>.</summary>
    public abstract IReadOnlyList<IDumpRecord>? Records(DumpContents dump);

    /// <summary>The table.</summary>
    public abstract TextTable Table(DumpContents dump);

    /// <summary>Whether a filter lets a value pass: none does always, and case does not matter.</summary>
    protected static bool Passes(string? filter, string value) =>
        filter is null || value.Equals(filter, StringComparison.OrdinalIgnoreCase);
}
