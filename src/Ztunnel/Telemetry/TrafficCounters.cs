namespace Ztunnel.Telemetry;

/// <summary>
/// The traffic counters of one label set. Connections keep it from open to close, so that counting is one interlocked
/// addition. Any thread may call any member.
/// </summary>
internal sealed class TrafficCounters
{
    private static readonly int FlagCount = Enum.GetValues<ConnectionFailure>().Length;

    private readonly TrafficLabels _labels;
    private readonly Action<MetricsText>[] _writeLabels = new Action<MetricsText>[FlagCount];
    private readonly long[] _closed = new long[FlagCount];
    private long _opened;
    private long _received;
    private long _sent;

    public TrafficCounters(in TrafficLabels labels)
    {
        _labels = labels;
        WriteOpenLabels = WriteLabelsWith(ConnectionFailure.None);
    }

    /// <summary>Connections opened.</summary>
    public long OpenedCount => Volatile.Read(ref _opened);

    /// <summary>Bytes from downstream to upstream.</summary>
    public long ReceivedBytes => Volatile.Read(ref _received);

    /// <summary>Bytes from upstream to downstream.</summary>
    public long SentBytes => Volatile.Read(ref _sent);

    /// <summary>Writes the labels of everything that is counted before the end is known.</summary>
    public Action<MetricsText> WriteOpenLabels { get; }

    public void Opened() => Interlocked.Increment(ref _opened);

    public void AddReceived(long bytes) => Interlocked.Add(ref _received, bytes);

    public void AddSent(long bytes) => Interlocked.Add(ref _sent, bytes);

    public void Closed(ConnectionFailure failure) => Interlocked.Increment(ref _closed[(int)failure]);

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

    private Action<MetricsText> WriteLabelsWith(ConnectionFailure flags) => text => _labels.WriteTo(text, flags);
}
