namespace Redirection;

/// <summary>How a dead peer is noticed on a TCP connection (tcp(7)). Immutable: derive a variant with <c>with</c>.</summary>
public sealed record KeepaliveOptions
{
    /// <summary>Whether probes are sent at all. Default true.</summary>
    /// <remarks>Environment: <c>KEEPALIVE_ENABLED</c>.</remarks>
    public bool Enabled { get; init; } = true;

    /// <summary>Silence before the first probe, in whole seconds. Zero leaves the kernel's; default 180 s.</summary>
    /// <remarks>Environment: <c>KEEPALIVE_TIME</c>.</remarks>
    public TimeSpan Time { get; init => field = InRange(value); } = TimeSpan.FromSeconds(180);

    /// <summary>Between two probes, in whole seconds. Zero leaves the kernel's; default 180 s.</summary>
    /// <remarks>Environment: <c>KEEPALIVE_INTERVAL</c>.</remarks>
    public TimeSpan Interval { get; init => field = InRange(value); } = TimeSpan.FromSeconds(180);

    /// <summary>Unanswered probes that end the connection. Zero leaves the kernel's; default 9.</summary>
    /// <remarks>Environment: <c>KEEPALIVE_RETRIES</c>.</remarks>
    public int Retries
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 9;

    /// <summary>Whether unacknowledged data, too, ends the connection after <see cref="UserTimeout"/>. Default false.</summary>
    /// <remarks>Environment: <c>USER_TIMEOUT_ENABLED</c>.</remarks>
    public bool UserTimeoutEnabled { get; init; }

    /// <summary>How long keepalive takes to give a silent peer up; <c>TCP_USER_TIMEOUT</c> is set to the same.</summary>
    public TimeSpan UserTimeout => Time + (Retries * Interval);

    private static TimeSpan InRange(TimeSpan value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
        return value;
    }
}
