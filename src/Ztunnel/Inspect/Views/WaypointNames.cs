using Ztunnel.Inspect.Records;

namespace Ztunnel.Inspect.Views;

/// <summary>Names of the services that waypoints are.</summary>
internal sealed class WaypointNames
{
    private const string NoWaypoint = "None";
    private const string NotFound = "NA";

    private readonly Dictionary<string, string> _names = [];

    /// <summary>Of a mesh; the first of two services with one address wins.</summary>
    public WaypointNames(IEnumerable<ServiceRecord> services)
    {
        foreach (var service in services)
        {
            _names.TryAdd($"{service.Namespace}/{service.Hostname}", service.Name);
            foreach (var vip in service.Vips ?? [])
            {
                _names.TryAdd(vip, service.Name);
            }
        }
    }

    /// <summary>Name of a waypoint: <c>None</c> for none, <c>NA</c> when no service has its hostname or address.</summary>
    public string Find(GatewayRecord? waypoint) =>
        waypoint is null ? NoWaypoint : _names.GetValueOrDefault(waypoint.Destination, NotFound);
}
