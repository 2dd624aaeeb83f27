namespace Ztunnel.Dns;

/// <summary>What one pod may cost, and how long things may take. Immutable: derive a variant with <c>with</c>.</summary>
internal sealed record DnsLimits
{
    /// <summary>
    /// Queries of a pod that wait for a name server at once, answered with SERVFAIL beyond. Each holds a socket, and
    /// memory for the answer that its client can take, 64 KiB at most. Default 512.
    /// </summary>
    public int PendingQueries { get; init; } = 512;

    /// <summary>TCP connections of a pod; more are closed at once. Default 256.</summary>
    public int Connections { get; init; } = 256;

    /// <summary>Queries of one TCP connection that wait at once; more are not read. Default 16.</summary>
    public int PendingPerConnection { get; init; } = 16;

    /// <summary>How long a TCP connection may be without a query, and how long one may take to come. Default 5 s.</summary>
    public TimeSpan Idle { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take to read an answer over TCP. Default 5 s.</summary>
    public TimeSpan Write { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a query waits for the control plane to announce the pod that sent it. Default 5 s.</summary>
    public TimeSpan Workload { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>When the next name server is asked beside one that is silent. Default 1 s.</summary>
    public TimeSpan Failover { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a name server that failed comes last. Default 30 s.</summary>
    public TimeSpan Distrust { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long UDP is answered after the drain has started: a successor is beside us by then, and what the kernel gave to
    /// our socket nobody else can answer. Default 500 ms.
    /// </summary>
    public TimeSpan DrainMoment { get; init; } = TimeSpan.FromMilliseconds(500);
}
