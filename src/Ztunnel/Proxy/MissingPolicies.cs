using Ztunnel.Mesh;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>
/// Policies that the workloads of our pods name and that the control plane has not announced. Workloads and policies come
/// in responses of their own, so for a moment that is normal and new connections wait; after that it is a mistake.
/// </summary>
internal sealed class MissingPolicies
{
    private readonly MeshState _mesh;
    private readonly TimeSpan _wait;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<WorkloadInfo, Pod> _pods = [];
    private MeshSnapshot _seen;

    /// <summary>Begins to follow the mesh.</summary>
    /// <param name="mesh">The mesh.</param>
    /// <param name="wait">How long a policy may take after its name.</param>
    /// <param name="time">Clock of the wait.</param>
    public MissingPolicies(MeshState mesh, TimeSpan wait, TimeProvider time)
    {
        _mesh = mesh;
        _wait = wait;
        _time = time;
        _seen = mesh.Current;
        mesh.Observe(_ => LookAtAll());
    }

    /// <summary>Names that are without a policy now, counted for each pod.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _pods.Values.Sum(pod => pod.Missing.Count);
            }
        }
    }

    /// <summary>What is missing now, by pod and policy.</summary>
    public IReadOnlyList<MissingPolicy> List()
    {
        lock (_gate)
        {
            LookAtAllLocked();
            return
            [
                .. _pods
                    .SelectMany(pod => pod.Value.Missing.Select(name => new MissingPolicy(
                        pod.Key, name.Key, _time.GetElapsedTime(name.Value.FirstSeen) >= _wait)))
                    .OrderBy(missing => missing.Pod.Namespace, StringComparer.Ordinal)
                    .ThenBy(missing => missing.Pod.Name, StringComparer.Ordinal)
                    .ThenBy(missing => missing.Policy, StringComparer.Ordinal),
            ];
        }
    }

    /// <summary>Shows the number on the metrics page.</summary>
    public void AddTo(MetricsRegistry registry) => registry.Add(new MetricFamily(
        "ztunnel_missing_policies",
        "The number of policies that workloads of this proxy name and that have not arrived (unstable).",
        "gauge",
        () => [new MetricSample(Count)]));

    /// <summary>A pod is served from now on. Goes with as many calls of <see cref="Forget"/>.</summary>
    public void Watch(WorkloadInfo info)
    {
        lock (_gate)
        {
            if (!_pods.TryGetValue(info, out var pod))
            {
                _pods[info] = pod = new Pod();
                Look(info, pod, _mesh.Current);
            }

            pod.Watchers++;
        }
    }

    /// <summary>A pod is served no more.</summary>
    public void Forget(WorkloadInfo info)
    {
        lock (_gate)
        {
            if (_pods.TryGetValue(info, out var pod) && --pod.Watchers == 0)
            {
                _pods.Remove(info);
            }
        }
    }

    /// <summary>
    /// Completes when nothing is missing for a pod, what is missing had its time, or the caller has waited as long.
    /// </summary>
    public async ValueTask WaitAsync(WorkloadInfo info, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            Task changed;
            TimeSpan left;
            lock (_gate)
            {
                LookAtAllLocked(); // the writer publishes a snapshot before it tells us
                if (!_pods.TryGetValue(info, out var pod) || pod.Missing.Count == 0)
                {
                    return;
                }

                var newest = pod.Missing.Values.Max(name => name.FirstSeen);
                left = _wait - _time.GetElapsedTime(Math.Min(started, newest));
                changed = pod.Changed.Task;
            }

            if (left <= TimeSpan.Zero)
            {
                return;
            }

            try
            {
                await changed.WaitAsync(left, _time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return;
            }
        }
    }

    /// <summary>True once for each name of a pod that has been without a policy for too long.</summary>
    public bool TryReport(WorkloadInfo info, string policy)
    {
        lock (_gate)
        {
            return _pods.TryGetValue(info, out var pod)
                && pod.Missing.TryGetValue(policy, out var name)
                && !name.IsReported
                && _time.GetElapsedTime(name.FirstSeen) >= _wait
                && (name.IsReported = true);
        }
    }

    private void LookAtAll()
    {
        lock (_gate)
        {
            LookAtAllLocked();
        }
    }

    // The current snapshot is read under the lock, so that nobody goes back to an older one.
    private void LookAtAllLocked()
    {
        var current = _mesh.Current;
        if (ReferenceEquals(current, _seen))
        {
            return;
        }

        var samePolicies = current.HasPoliciesOf(_seen);
        _seen = current;
        foreach (var (info, pod) in _pods)
        {
            if (!samePolicies || !ReferenceEquals(pod.Workload, current.FindLocalWorkload(info)))
            {
                Look(info, pod, current);
            }
        }
    }

    private void Look(WorkloadInfo info, Pod pod, MeshSnapshot snapshot)
    {
        pod.Workload = snapshot.FindLocalWorkload(info);
        var now = _time.GetTimestamp();
        var missing = new Dictionary<string, Name>(StringComparer.Ordinal);
        foreach (var policy in pod.Workload is { } workload ? snapshot.UnknownPoliciesOf(workload) : [])
        {
            missing[policy] = pod.Missing.GetValueOrDefault(policy) ?? new Name(now);
        }

        pod.Missing = missing;
        pod.Changed.SetResult();
        pod.Changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // Under the lock.
    private sealed class Pod
    {
        public int Watchers { get; set; }

        public Workload? Workload { get; set; }

        public Dictionary<string, Name> Missing { get; set; } = [];

        public TaskCompletionSource Changed { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // Under the lock.
    private sealed class Name(long firstSeen)
    {
        public long FirstSeen { get; } = firstSeen;

        public bool IsReported { get; set; }
    }
}
