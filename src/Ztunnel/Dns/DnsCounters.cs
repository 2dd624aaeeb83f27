using Ztunnel.Dns.Wire;
using Ztunnel.Telemetry;

namespace Ztunnel.Dns;

/// <summary>The labels of DNS metrics.</summary>
/// <param name="Type">Record type as in <see cref="DnsType.ToLabel"/>.</param>
/// <param name="Transport">How the query came.</param>
/// <param name="Service">Canonical service of the pod that asked; empty is unknown.</param>
/// <param name="Revision">Its canonical revision; empty is unknown.</param>
internal readonly record struct DnsLabels(string Type, DnsTransport Transport, string Service, string Revision);

/// <summary>The counters of one label set. Any thread may call any member.</summary>
internal sealed class DnsCounters(DnsLabels labels)
{
    private static readonly double[] Bounds = [0.0005, 0.001, 0.01, 0.1, 1, 5];

    private readonly long[] _buckets = new long[Bounds.Length + 1]; // the last one has no bound
    private long _requests;
    private long _forwarded;
    private long _failed;
    private long _ticks;

    /// <summary>A query came.</summary>
    public void Requested() => Interlocked.Increment(ref _requests);

    /// <summary>Name servers were asked.</summary>
    /// <param name="duration">Until the answer, or until there was no hope for one.</param>
    /// <param name="isFailure">Whether there was no answer, or one that is an error.</param>
    public void Forwarded(TimeSpan duration, bool isFailure)
    {
        Interlocked.Increment(ref _forwarded);
        Interlocked.Add(ref _failed, isFailure ? 1 : 0);
        Interlocked.Add(ref _ticks, duration.Ticks);
        var bucket = 0;
        while (bucket < Bounds.Length && duration.TotalSeconds > Bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _buckets[bucket]);
    }

    /// <summary>Queries.</summary>
    public MetricSample Requests => new(Volatile.Read(ref _requests), WriteLabels);

    /// <summary>Queries that name servers were asked; none when there were none.</summary>
    public IEnumerable<MetricSample> ForwardedSamples() => IfAny(_forwarded, WriteLabels);

    /// <summary>Those that failed.</summary>
    public IEnumerable<MetricSample> FailedSamples() => IfAny(_failed, WriteLabels);

    /// <summary>The histogram of durations; nothing when there were none.</summary>
    public IEnumerable<MetricSample> DurationSamples()
    {
        var counts = Array.ConvertAll(_buckets, count => count);
        var total = counts.Sum();
        if (total == 0)
        {
            yield break;
        }

        var seconds = TimeSpan.FromTicks(Volatile.Read(ref _ticks)).TotalSeconds;
        yield return new MetricSample(0, WriteLabels) { Suffix = "_sum", Fraction = seconds };
        yield return new MetricSample(total, WriteLabels) { Suffix = "_count" };
        var atMost = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            atMost += counts[i];
            var bound = i < Bounds.Length ? MetricsText.Number(Bounds[i]) : "+Inf";
            yield return new MetricSample(atMost, text => WriteLabels(text, bound)) { Suffix = "_bucket" };
        }
    }

    private static IEnumerable<MetricSample> IfAny(long count, Action<MetricsText> labels) =>
        count > 0 ? [new MetricSample(count, labels)] : [];

    private void WriteLabels(MetricsText text, string bound)
    {
        text.Label("le"u8, bound);
        WriteLabels(text);
    }

    private void WriteLabels(MetricsText text)
    {
        text.Label("request_query_type"u8, labels.Type);
        text.Label("request_protocol"u8, labels.Transport == DnsTransport.Udp ? "udp" : "tcp");
        text.Label("source_canonical_service"u8, labels.Service);
        text.Label("source_canonical_revision"u8, labels.Revision);
    }
}
