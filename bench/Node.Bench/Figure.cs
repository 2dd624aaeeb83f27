namespace Node.Bench;

/// <summary>One number of the report.</summary>
/// <param name="Name">As in the <c>RESULT</c> lines.</param>
/// <param name="Unit">Decimal: a GB is 10^9 bytes, a MB 10^6.</param>
/// <param name="Description">For the table.</param>
/// <param name="Format">How precisely it is worth printing.</param>
internal sealed record Figure(string Name, string Unit, string Description, string Format)
{
    public const string Memory = "memory";
    public const string Latency = "latency";
    public const string RoundTrips = "round-trips";
    public const string Connections = "connections";
    public const string Throughput = "throughput";

    public static readonly IReadOnlyList<string> Groups = [Memory, Latency, RoundTrips, Connections, Throughput];

    public static readonly Figure EchoP50 = new("echo_p50", "us", "1 KiB round trip, 1 connection, median", "0");
    public static readonly Figure EchoP99 = new("echo_p99", "us", "the same, 99th percentile", "0");

    public static readonly Figure EchoRps100 =
        new("echo_rps_100", "1/s", "1 KiB round trips per second, 100 connections", "0");

    public static readonly Figure CpuPer100kRoundTrips =
        new("cpu_per_100k_round_trips", "s", "CPU-seconds per 100,000 of these round trips", "0.00");

    public static readonly Figure ConnectionsPerSecond =
        new("connections_per_second", "1/s", "new connections per second, 16 at a time, 64 B each", "0");

    public static readonly Figure CpuPer10kConnections =
        new("cpu_per_10k_connections", "s", "CPU-seconds per 10,000 new connections", "0.00");

    public static readonly Figure RssIdle = new("rss_idle", "MB", "memory after start", "0.0");
    public static readonly Figure RssIdleSource = new("rss_idle_source", "MB", "of that at the client's end", "0.0");

    public static readonly Figure RssIdleDestination =
        new("rss_idle_destination", "MB", "of that at the server's end", "0.0");

    public static readonly Figure Rss1000Idle = new("rss_1000_idle", "MB", "memory with 1,000 idle connections", "0.0");

    public static readonly Figure BytesPerIdleConnection =
        new("bytes_per_idle_connection", "B", "memory per idle connection", "0");

    public static readonly Figure RssAfterLoad = new("rss_after_load", "MB", "memory after the whole load", "0.0");

    /// <summary>Every figure, in the order of the report.</summary>
    public static readonly IReadOnlyList<Figure> All =
    [
        ThroughputOf(1, upload: true),
        ThroughputOf(1, upload: false),
        ThroughputOf(8, upload: true),
        ThroughputOf(8, upload: false),
        CpuPerGigabyteOf(1, upload: true),
        CpuPerGigabyteOf(1, upload: false),
        CpuPerGigabyteOf(8, upload: true),
        CpuPerGigabyteOf(8, upload: false),
        EchoP50,
        EchoP99,
        EchoRps100,
        CpuPer100kRoundTrips,
        ConnectionsPerSecond,
        CpuPer10kConnections,
        RssIdle,
        RssIdleSource,
        RssIdleDestination,
        Rss1000Idle,
        BytesPerIdleConnection,
        RssAfterLoad,
    ];

    public static Figure ThroughputOf(int streams, bool upload) => new(
        $"throughput_{streams}_{Direction(upload)}",
        "Gbit/s",
        $"throughput, {Streams(streams)}, {Direction(upload)}",
        "0.00");

    public static Figure CpuPerGigabyteOf(int streams, bool upload) => new(
        $"cpu_per_gb_{streams}_{Direction(upload)}",
        "s",
        $"CPU-seconds per GB, {Streams(streams)}, {Direction(upload)}",
        "0.00");

    private static string Direction(bool upload) => upload ? "up" : "down";

    private static string Streams(int streams) => streams == 1 ? "1 stream" : $"{streams} streams";
}
