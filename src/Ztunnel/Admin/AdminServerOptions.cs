namespace Ztunnel.Admin;

/// <summary>Where the administrative servers listen. Immutable. Port 0 is any free one.</summary>
internal sealed record AdminServerOptions
{
    /// <summary>Port of the admin interface, on loopback. Default 15000.</summary>
    /// <remarks>Mesh config: <c>proxyAdminPort</c>.</remarks>
    public ushort AdminPort { get; init; } = 15000;

    /// <summary>Port of the metrics, on all addresses. Default 15020.</summary>
    /// <remarks>Mesh config: <c>statsPort</c>.</remarks>
    public ushort StatsPort { get; init; } = 15020;

    /// <summary>Port of the readiness probe, on all addresses. Default 15021.</summary>
    public ushort ReadinessPort { get; init; } = 15021;

    /// <summary>Whether to listen on IPv6 as well. Default true.</summary>
    /// <remarks>Environment: <c>IPV6_ENABLED</c>.</remarks>
    public bool Ipv6Enabled { get; init; } = true;
}
