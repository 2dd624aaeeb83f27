using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary><c>connections</c>: those that are open, by namespace and name of the pod, then in the order of the dump.</summary>
/// <param name="ns">Only of pods of this namespace.</param>
/// <param name="direction">Only these; of the table alone.</param>
/// <param name="raw">Addresses instead of names; of the table alone.</param>
internal sealed class ConnectionView(string? ns, ConnectionDirections direction, bool raw) : DumpView
{
    /// <inheritdoc/>
    public override DumpSections RecordSections => DumpSections.Pods;

    /// <inheritdoc/>
    public override DumpSections TableSections =>
        raw ? DumpSections.Pods : DumpSections.Pods | DumpSections.Services | DumpSections.Workloads;

    /// <inheritdoc/>
    public override IReadOnlyList<IDumpRecord> Records(DumpContents dump) => Shown(dump);

    /// <inheritdoc/>
    public override TextTable Table(DumpContents dump)
    {
        var names = new AddressNames(dump); // without names where their sections were not read
        var table = new TextTable(1, "WORKLOAD", "DIRECTION", "LOCAL", "REMOTE", "REMOTE TARGET", "PROTOCOL");
        foreach (var pod in Shown(dump))
        {
            var name = $"{pod.Info.Name}.{pod.Info.Namespace}";
            if (direction.HasFlag(ConnectionDirections.Inbound))
            {
                foreach (var connection in pod.Connections.Inbound ?? [])
                {
                    table.Add(
                        name,
                        "Inbound",
                        names.Find(connection.ActualDestination),
                        names.Find(connection.Source),
                        connection.OriginalDestination,
                        connection.Protocol);
                }
            }

            if (direction.HasFlag(ConnectionDirections.Outbound))
            {
                foreach (var connection in pod.Connections.Outbound ?? [])
                {
                    table.Add(
                        name,
                        "Outbound",
                        names.Find(connection.Source),
                        names.Find(connection.ActualDestination),
                        names.Find(connection.OriginalDestination),
                        connection.Protocol);
                }
            }
        }

        return table;
    }

    private PodRecord[] Shown(DumpContents dump) =>
    [
        .. dump.Pods.Where(pod => Passes(ns, pod.Info.Namespace))
            .OrderBy(pod => pod.Info.Namespace, StringComparer.Ordinal)
            .ThenBy(pod => pod.Info.Name, StringComparer.Ordinal),
    ];
}

/// <summary>Which way connections go, seen from the pod.</summary>
[Flags]
internal enum ConnectionDirections
{
    /// <summary>To the pod.</summary>
    Inbound = 1,

    /// <summary>From the pod.</summary>
    Outbound = 2,

    /// <summary>Both.</summary>
    Both = Inbound | Outbound,
}
