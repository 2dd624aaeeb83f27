namespace Redirection;

/// <summary>What outgoing connections have in common. Immutable: derive a variant with <c>with</c>.</summary>
public sealed record UpstreamSocketOptions
{
    /// <summary><c>SO_MARK</c> that keeps the connection from being captured again; null and 0 mean none.</summary>
    /// <remarks>Environment: <c>PACKET_MARK</c>.</remarks>
    public uint? Mark { get; init; }

    /// <summary>How a dead upstream is noticed.</summary>
    public KeepaliveOptions Keepalive { get; init; } = new();

    /// <summary>Whether the upstream is the application in the same pod.</summary>
    public bool IsLoopbackHop { get; init; }

    /// <summary>Limit for making the connection, socket set-up included. Positive, default 10 s.</summary>
    public TimeSpan ConnectTimeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromSeconds(10);
}
