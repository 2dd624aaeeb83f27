namespace Ztunnel.Demo;

/// <summary>How the namespaces of a topology are set up. Immutable: derive a variant with <c>with</c>.</summary>
internal sealed record TopologyOptions
{
    /// <summary>Whether pods have IPv6 addresses too. Default true.</summary>
    public bool IPv6 { get; init; } = true;

    /// <summary>
    /// How many closed connections a pod remembers (<c>net.ipv4.tcp_max_tw_buckets</c>). Few, for a benchmark that
    /// opens connections
    /// faster than ports come back; <see langword="null"/>, the default, leaves the kernel's value.
    /// </summary>
    public int? TimeWaitBuckets { get; init; }

    /// <summary>
    /// The pods' ephemeral ports, first and last. Default 10240 to 65000: below stay the ports that demos listen on.
    /// </summary>
    public (int First, int Last) LocalPorts { get; init; } = (10_240, 65_000);

    /// <summary>
    /// The node's own settings: it forwards, and does not mind that answers take another way than questions.
    /// </summary>
    internal static IReadOnlyList<string> NodeSettings { get; } =
    [
        "net.ipv4.ip_forward=1",
        "net.ipv4.conf.all.rp_filter=0",
        "net.ipv4.conf.default.rp_filter=0",
        "net.ipv6.conf.all.disable_ipv6=0",
        "net.ipv6.conf.default.disable_ipv6=0",
        "net.ipv6.conf.all.forwarding=1",
        "net.ipv6.conf.default.accept_dad=0",
    ];

    /// <summary>The settings of a pod.</summary>
    internal IReadOnlyList<string> PodSettings()
    {
        var disabled = IPv6 ? '0' : '1';
        List<string> settings =
        [
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0",
            $"net.ipv6.conf.all.disable_ipv6={disabled}",
            $"net.ipv6.conf.default.disable_ipv6={disabled}",
            $"net.ipv6.conf.lo.disable_ipv6={disabled}",
            "net.ipv6.conf.default.accept_dad=0",
            FormattableString.Invariant($"net.ipv4.ip_local_port_range={LocalPorts.First} {LocalPorts.Last}"),
        ];
        if (TimeWaitBuckets is { } buckets)
        {
            settings.Add(FormattableString.Invariant($"net.ipv4.tcp_max_tw_buckets={buckets}"));
        }

        return settings;
    }
}
