using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary><c>services</c>, by namespace, name and hostname.</summary>
/// <param name="ns">Only of this namespace.</param>
internal sealed class ServiceView(string? ns) : DumpView
{
    /// <inheritdoc/>
    public override DumpSections RecordSections => DumpSections.Services;

    /// <inheritdoc/>
    public override DumpSections TableSections => DumpSections.Services | DumpSections.Workloads;

    /// <inheritdoc/>
    public override IReadOnlyList<IDumpRecord> Records(DumpContents dump) => Shown(dump);

    /// <inheritdoc/>
    public override TextTable Table(DumpContents dump)
    {
        var waypoints = new WaypointNames(dump.Services);
        var healthy = dump.Workloads.Where(workload => workload.Status == "Healthy")
            .Select(workload => workload.Uid).ToHashSet();
        var table = new TextTable(1, "NAMESPACE", "SERVICE NAME", "SERVICE VIP", "WAYPOINT", "ENDPOINTS");
        foreach (var service in Shown(dump))
        {
            var endpoints = service.Endpoints?.Values.ToArray() ?? [];
            table.Add(
                service.Namespace,
                service.Name,
                string.Join(',', (service.Vips ?? []).Select(Vip.AddressOf)),
                waypoints.Find(service.Waypoint),
                $"{endpoints.Count(endpoint => healthy.Contains(endpoint.WorkloadUid))}/{endpoints.Length}");
        }

        return table;
    }

    private ServiceRecord[] Shown(DumpContents dump) =>
    [
        .. dump.Services.Where(service => Passes(ns, service.Namespace))
            .OrderBy(service => service.Namespace, StringComparer.Ordinal)
            .ThenBy(service => service.Name, StringComparer.Ordinal)
            .ThenBy(service => service.Hostname, StringComparer.Ordinal),
    ];
}
