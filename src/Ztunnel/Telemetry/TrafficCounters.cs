namespace Ztunnel.Telemetry;

/// <summary>
/// The traffic counters of one label set. Connections keep it from open to close, so that counting is one interlocked
/// addition. Any thread may call any member.
/// </summary>
internal sealed class TrafficCounters
{
    /// <summary>In place of the number of users, once nobody may use it any more.</summary>
    private const int Retired = int.MinValue;

    private static readonly int FlagCount = Enum.GetValues<ConnectionFailure>().Length;

    private readonly Action<MetricsText>[] _writeLabels = new Action<MetricsText>[FlagCount];
    private readonly long[] _closed = new long[FlagCount];
    private long _opened;
    private long _received;
    private long _sent;
    private int _users;
    private long _lastUsed;

    public TrafficCounters(in TrafficLabels labels)
    {
        Labels = labels;
        WriteOpenLabels = WriteLabelsWith(ConnectionFailure.None);
    }

    /// <summary>The label set.</summary>
    public TrafficLabels Labels { get; }

    /// <summary>Which pods it stands for, as far as they were in the mesh data.</summary>
    public required TrafficPods Pods { get; set; }

    /// <summary>What it is to the limits.</summary>
    public required SeriesKind Kind { get; init; }

    /// <summary>Connections opened.</summary>
    public long OpenedCount => Volatile.Read(ref _opened);

    /// <summary>Bytes from downstream to upstream.</summary>
    public long ReceivedBytes => Volatile.Read(ref _received);

    /// <summary>Bytes from upstream to downstream.</summary>
    public long SentBytes => Volatile.Read(ref _sent);

    /// <summary>Timestamp at which the last connection ended, when <see cref="IsUnused"/>.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>No connection counts here now.</summary>
    public bool IsUnused => Volatile.Read(ref _users) == 0;

    /// <summary>Writes the labels of everything that is counted before the end is known.</summary>
    public Action<MetricsText> WriteOpenLabels { get; }

    /// <summary>
    /// A connection wants to count here, until <see cref="Closed"/>. False: the series has expired, and the connection
    /// counts on a new one, from zero as Prometheus expects of a series that comes back.
    /// </summary>
    public bool TryUse()
    {
        var users = Volatile.Read(ref _users);
        while (users >= 0)
        {
            var seen = Interlocked.CompareExchange(ref _users, users + 1, users);
            if (seen == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }

    /// <summary>Nobody may use it from now on; false while somebody does.</summary>
    public bool TryRetire() => Interlocked.CompareExchange(ref _users, Retired, 0) == 0;

    public void Opened() => Interlocked.Increment(ref _opened);

    public void AddReceived(long bytes) => Interlocked.Add(ref _received, bytes);

    public void AddSent(long bytes) => Interlocked.Add(ref _sent, bytes);

    /// <summary>A connection has ended and counts here no more.</summary>
    /// <param name="failure">How it ended.</param>
    /// <param name="now">Timestamp.</param>
    public void Closed(ConnectionFailure failure, long now)
    {
        Interlocked.Increment(ref _closed[(int)failure]);
        Volatile.Write(ref _lastUsed, now);
        Interlocked.Decrement(ref _users);
    }

    /// <summary>Connections closed, one sample for each way in which some ended.</summary>
    public IEnumerable<MetricSample> ClosedSamples() => ClosedFrom(ConnectionFailure.None);

    /// <summary>The same without those that ended well.</summary>
    public IEnumerable<MetricSample> FailedSamples() => ClosedFrom(ConnectionFailure.None + 1);

    private IEnumerable<MetricSample> ClosedFrom(ConnectionFailure first)
    {
        for (var flag = first; (int)flag < FlagCount; flag++)
        {
            if (Volatile.Read(ref _closed[(int)flag]) is var count and > 0)
            {
                yield return new MetricSample(count, _writeLabels[(int)flag] ??= WriteLabelsWith(flag));
            }
        }
    }

    private Action<MetricsText> WriteLabelsWith(ConnectionFailure flags) => text => Labels.WriteTo(text, flags);
}
