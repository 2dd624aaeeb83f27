using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary><c>policies</c>, by namespace and name.</summary>
/// <param name="ns">Only of this namespace.</param>
internal sealed class PolicyView(string? ns) : DumpView
{
    /// <inheritdoc/>
    public override DumpSections RecordSections => DumpSections.Policies;

    /// <inheritdoc/>
    public override DumpSections TableSections => DumpSections.Policies;

    /// <inheritdoc/>
    public override IReadOnlyList<IDumpRecord> Records(DumpContents dump) => Shown(dump);

    /// <inheritdoc/>
    public override TextTable Table(DumpContents dump)
    {
        var table = new TextTable(1, "NAMESPACE", "POLICY NAME", "ACTION", "SCOPE");
        foreach (var policy in Shown(dump))
        {
            table.Add(policy.Namespace, policy.Name, policy.Action, policy.Scope);
        }

        return table;
    }

    private PolicyRecord[] Shown(DumpContents dump) =>
    [
        .. dump.Policies.Where(policy => Passes(ns, policy.Namespace))
            .OrderBy(policy => policy.Namespace, StringComparer.Ordinal)
            .ThenBy(policy => policy.Name, StringComparer.Ordinal),
    ];
}
