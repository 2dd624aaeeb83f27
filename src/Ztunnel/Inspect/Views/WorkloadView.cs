using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary><c>workloads</c>: the table by namespace and name, JSON in the order of the dump.</summary>
/// <param name="ns">Only of this namespace.</param>
/// <param name="address">Only with this address.</param>
/// <param name="node">Only on this node.</param>
internal sealed class WorkloadView(string? ns, string? address, string? node) : DumpView
{
    /// <inheritdoc/>
    public override DumpSections RecordSections => DumpSections.Workloads;

    /// <inheritdoc/>
    public override DumpSections TableSections => DumpSections.Workloads | DumpSections.Services;

    /// <inheritdoc/>
    public override IReadOnlyList<IDumpRecord> Records(DumpContents dump) => dump.Workloads.FindAll(IsShown);

    /// <inheritdoc/>
    public override TextTable Table(DumpContents dump)
    {
        var waypoints = new WaypointNames(dump.Services);
        var table = new TextTable(1, "NAMESPACE", "POD NAME", "ADDRESS", "NODE", "WAYPOINT", "PROTOCOL");
        foreach (var workload in dump.Workloads.Where(IsShown)
            .OrderBy(workload => $"{workload.Namespace}.{workload.Name}", StringComparer.Ordinal)
            .ThenBy(workload => workload.Node, StringComparer.Ordinal))
        {
            table.Add(
                workload.Namespace,
                workload.Name,
                workload.Addresses is { Count: > 0 } addresses ? string.Join(',', addresses) : workload.Hostname,
                workload.Node,
                waypoints.Find(workload.Waypoint),
                workload.Protocol);
        }

        return table;
    }

    private bool IsShown(WorkloadRecord workload) =>
        Passes(ns, workload.Namespace)
        && Passes(node, workload.Node)
        && (address is null || workload.Addresses?.Exists(own => Passes(address, own)) is true);
}
