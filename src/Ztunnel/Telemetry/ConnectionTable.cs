namespace Ztunnel.Telemetry;

/// <summary>Connections of one pod that are up, for the dump. Any thread.</summary>
internal sealed class ConnectionTable
{
    private readonly Lock _gate = new();
    private readonly HashSet<ConnectionTelemetry> _open = [];

    /// <summary>Copies of what is known about them.</summary>
    public IReadOnlyList<ConnectionFacts> Open
    {
        get
        {
            lock (_gate)
            {
                return [.. _open.Select(connection => connection.Facts)];
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
