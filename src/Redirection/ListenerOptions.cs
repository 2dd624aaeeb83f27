using System.Net;

namespace Redirection;

/// <summary>How a data listener is set up.</summary>
/// <param name="Address">Where to bind; <c>[::]</c> takes IPv4 connections, too.</param>
/// <param name="Mark"><c>SO_MARK</c> of the listener and all it accepts; null and 0 mean none.</param>
/// <param name="ReusePort">Whether a second process may bind the same port, for upgrades without a gap.</param>
/// <param name="Transparent">
/// Whether the source of inbound connections can be preserved: true must work, false is never tried, null is tried.
/// </param>
/// <param name="Backlog">Connections that may wait to be accepted; the kernel caps it at <c>net.core.somaxconn</c>.</param>
public sealed record ListenerOptions(IPEndPoint Address, uint? Mark, bool ReusePort, bool? Transparent, int Backlog)
{
    /// <summary>How a dead peer is noticed on what it accepts; null leaves that to the kernel.</summary>
    public KeepaliveOptions? Keepalive { get; init; }

    /// <summary>Whether applications in the same pod connect to it.</summary>
    public bool IsLoopbackHop { get; init; }

    /// <summary>Backlog of listeners in pods: a burst may come while the node's processors are busy with other pods.</summary>
    public const int SharedBacklog = 1024;

    /// <summary>Backlog of a proxy with a namespace of its own.</summary>
    public const int DedicatedBacklog = 1024;
}
