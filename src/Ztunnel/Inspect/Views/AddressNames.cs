namespace Ztunnel.Inspect.Views;

/// <summary>
/// Names of addresses, as istioctl finds them: of a service or workload only the first address counts, and a service wins
/// over a workload.
/// </summary>
internal sealed class AddressNames
{
    private readonly Dictionary<string, string> _services = [];
    private readonly Dictionary<string, string> _workloads = [];

    /// <summary>Of the mesh in a dump.</summary>
    public AddressNames(DumpContents dump)
    {
        foreach (var service in dump.Services)
        {
            if (service.Vips is [var vip, ..])
            {
                _services[Vip.AddressOf(vip)] = service.Hostname;
            }
        }

        foreach (var workload in dump.Workloads)
        {
            if (workload.Addresses is [var address, ..])
            {
                _workloads[address] = $"{workload.Name}.{workload.Namespace}";
            }
        }
    }

    /// <summary>An address and port with the name in place of the address; what has no name comes back as it is.</summary>
    public string Find(string endpoint)
    {
        var colon = endpoint.LastIndexOf(':');
        if (colon < 0)
        {
            return endpoint;
        }

        var host = endpoint[..colon];
        host = host is ['[', .. var inside, ']'] ? inside : host.Contains(':', StringComparison.Ordinal) ? "" : host;
        return _services.GetValueOrDefault(host) is { } service ? $"{service}{endpoint[colon..]}"
            : _workloads.GetValueOrDefault(host) is { } workload ? $"{workload}{endpoint[colon..]}"
            : endpoint;
    }
}
