namespace Ztunnel.Telemetry;

/// <summary>Connections of one pod that are up, for the dump. Any thread.</summary>
internal sealed class ConnectionTable
{
    private readonly Lock _gate = new();
    private readonly HashSet<ConnectionTelemetry> _open = [];

    /// <summary>Those that are up at this moment.</summary>
    public IReadOnlyList<ConnectionTelemetry> Open
    {
        get
        {
            lock (_gate)
            {
                return [.. _open];
            }
        }
    }

    /// <summary>The connection is up.</summary>
    public void Add(ConnectionTelemetry connection)
    {
        lock (_gate)
        {
            _open.Add(connection);
        }
    }

    /// <summary>It is over.</summary>
    public void Remove(ConnectionTelemetry connection)
    {
        lock (_gate)
        {
            _open.Remove(connection);
        }
    }
}
