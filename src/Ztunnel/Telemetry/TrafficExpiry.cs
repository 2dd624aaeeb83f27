using Ztunnel.Mesh;
using Ztunnel.Policy;

namespace Ztunnel.Telemetry;

/// <summary>
/// Takes traffic series out whose workload or service has left the mesh, a while after their last connection. Those of
/// workloads that are still there stay, however idle. Ends that nobody but themselves describes count as gone when idle,
/// because nobody tells us when they are.
/// </summary>
internal sealed class TrafficExpiry : IDisposable
{
    private static readonly TimeSpan LongestPeriod = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ShortestPeriod = TimeSpan.FromSeconds(1);

    private readonly TrafficMetrics _metrics;
    private readonly PolicyDecisions? _decisions;
    private readonly MeshState _mesh;
    private readonly TimeSpan _lifetime;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly TimeSpan _period;

    /// <summary>Begins to look, four times in a lifetime but at least once a minute.</summary>
    /// <param name="metrics">Whose series.</param>
    /// <param name="mesh">What is there.</param>
    /// <param name="lifetime">How long a series stays after its last connection; positive.</param>
    /// <param name="time">Clock of the series.</param>
    /// <param name="decisions">Counters of policies, which go with the policies; null for none.</param>
    public TrafficExpiry(
        TrafficMetrics metrics,
        MeshState mesh,
        TimeSpan lifetime,
        TimeProvider time,
        PolicyDecisions? decisions = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lifetime, TimeSpan.Zero);
        _metrics = metrics;
        _decisions = decisions;
        _mesh = mesh;
        _lifetime = lifetime;
        _time = time;
        _period = TimeSpan.FromTicks(Math.Clamp(lifetime.Ticks / 4, ShortestPeriod.Ticks, LongestPeriod.Ticks));
        _timer = time.CreateTimer(
            static expiry => ((TrafficExpiry)expiry!).Sweep(), this, _period, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        var ticks = (long)(_lifetime.TotalSeconds * _time.TimestampFrequency);
        Sweep([.. _metrics.UnusedSince(_time.GetTimestamp() - ticks)], _mesh.Current);
        _decisions?.Forget(_mesh.Current);
        _timer.Change(_period, Timeout.InfiniteTimeSpan); // not before: a walk over a large mesh takes a while
    }

    private void Sweep(TrafficCounters[] unused, MeshSnapshot mesh)
    {
        // The pod that a series was made for tells at once, but another one of its deployment may have taken over.
        var searched = new Dictionary<(string, string), Dictionary<EndLabels, string?>>();
        foreach (var series in unused)
        {
            Search(series.Labels.Source, series.Pods.Source);
            Search(series.Labels.Destination, series.Pods.Destination);
        }

        if (searched.Count > 0)
        {
            foreach (var workload in mesh.Workloads)
            {
                if (searched.TryGetValue((workload.Namespace, workload.WorkloadName), out var ends)
                    && EndLabels.Of(workload) is var labels && ends.ContainsKey(labels))
                {
                    ends[labels] = workload.Uid;
                }
            }
        }

        foreach (var series in unused)
        {
            var source = Find(series.Labels.Source, series.Pods.Source);
            var destination = Find(series.Labels.Destination, series.Pods.Destination);
            if (source.IsGone || destination.IsGone || IsGone(series.Labels.Service, mesh))
            {
                _metrics.Expire(series);
            }
            else
            {
                series.Pods = new TrafficPods(source.Uid, destination.Uid);
            }
        }

        void Search(in EndLabels end, string? uid)
        {
            if (uid is null || (mesh.FindWorkload(uid) is { } workload && EndLabels.Of(workload) == end.WithoutPrincipal))
            {
                return;
            }

            var name = (end.Namespace ?? "", end.Workload ?? "");
            if (!searched.TryGetValue(name, out var ends))
            {
                searched[name] = ends = [];
            }

            ends[end.WithoutPrincipal] = null;
        }

        (bool IsGone, string? Uid) Find(in EndLabels end, string? uid)
        {
            if (uid is null)
            {
                return (IsGone: end is { IsKnown: true, IsOverflow: false }, null);
            }

            return searched.TryGetValue((end.Namespace ?? "", end.Workload ?? ""), out var ends)
                && ends.TryGetValue(end.WithoutPrincipal, out var found)
                    ? (found is null, found)
                    : (false, uid);
        }
    }

    private static bool IsGone(in ServiceLabels service, MeshSnapshot mesh) =>
        service is { IsOverflow: false, Hostname: { } hostname, Namespace: { } @namespace }
        && mesh.FindService(new NamespacedHostname(@namespace, hostname)) is null;
}
