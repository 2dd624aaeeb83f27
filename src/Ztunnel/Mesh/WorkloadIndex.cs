using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh;

/// <summary>
/// Workloads by a key that is meant to be unique but need not be. Immutable. The preferred workload of a key is found
/// with one look-up; the others are kept apart, as few keys have any.
/// </summary>
internal sealed class WorkloadIndex<TKey>
    where TKey : notnull
{
    private readonly HashMap<TKey, WorkloadEntry> _preferred;
    private readonly ImmutableDictionary<TKey, ImmutableSortedSet<WorkloadEntry>> _contended;

    private WorkloadIndex(
        HashMap<TKey, WorkloadEntry> preferred,
        ImmutableDictionary<TKey, ImmutableSortedSet<WorkloadEntry>> contended)
    {
        _preferred = preferred;
        _contended = contended;
    }

    public static WorkloadIndex<TKey> Empty { get; } = new(HashMap<TKey, WorkloadEntry>.Empty, []);

    /// <summary>The preferred workload with that key (<see cref="WorkloadEntry.ByPreference"/>).</summary>
    public Workload? Find(TKey key) => _preferred.TryGetValue(key, out var entry) ? entry.Workload : null;

    public Builder ToBuilder() => new(this);

    /// <summary>Collects changes; each costs what the changed key costs.</summary>
    public sealed class Builder(WorkloadIndex<TKey> origin)
    {
        private readonly HashMap<TKey, WorkloadEntry>.Builder _preferred = origin._preferred.ToBuilder();

        private readonly ImmutableDictionary<TKey, ImmutableSortedSet<WorkloadEntry>>.Builder _contended =
            origin._contended.ToBuilder();

        /// <summary>Adding an entry again under the same key changes nothing.</summary>
        public void Add(TKey key, WorkloadEntry entry)
        {
            if (_preferred.TryAdd(key, entry))
            {
                return;
            }

            var present = _preferred[key];
            if (!ReferenceEquals(present, entry))
            {
                var all = _contended.GetValueOrDefault(key)
                    ?? ImmutableSortedSet.Create(WorkloadEntry.ByPreference, present);
                Set(key, all.Add(entry));
            }
        }

        public void Remove(TKey key, WorkloadEntry entry)
        {
            if (_contended.TryGetValue(key, out var all))
            {
                Set(key, all.Remove(entry));
            }
            else if (_preferred.TryGetValue(key, out var present) && ReferenceEquals(present, entry))
            {
                _preferred.Remove(key);
            }
        }

        public WorkloadIndex<TKey> ToIndex() => new(_preferred.ToMap(), _contended.ToImmutable());

        private void Set(TKey key, ImmutableSortedSet<WorkloadEntry> all)
        {
            _preferred[key] = all.Max!;
            if (all.Count == 1)
            {
                _contended.Remove(key);
            }
            else
            {
                _contended[key] = all;
            }
        }
    }
}
