using System.Collections.Immutable;
using Ztunnel.Mesh.Maps;

namespace Ztunnel.Mesh;

/// <summary>
/// Services by a key that several may share, in the order of their insertion. Immutable. It holds names only, so a
/// change of a service's endpoints leaves it alone.
/// </summary>
internal sealed class ServiceNameIndex<TKey>
    where TKey : notnull
{
    private readonly HashMap<TKey, ImmutableArray<NamespacedHostname>> _names;

    private ServiceNameIndex(HashMap<TKey, ImmutableArray<NamespacedHostname>> names) => _names = names;

    public static ServiceNameIndex<TKey> Empty { get; } = new(HashMap<TKey, ImmutableArray<NamespacedHostname>>.Empty);

    public ImmutableArray<NamespacedHostname> Find(TKey key) => _names.TryGetValue(key, out var names) ? names : [];

    public Builder ToBuilder() => new(this);

    public sealed class Builder(ServiceNameIndex<TKey> origin)
    {
        private readonly HashMap<TKey, ImmutableArray<NamespacedHostname>>.Builder _names =
            origin._names.ToBuilder();

        /// <summary>A name that the key has already keeps its place.</summary>
        /// <returns>Whether the key is new.</returns>
        public bool Add(TKey key, NamespacedHostname name)
        {
            if (!_names.TryGetValue(key, out var names))
            {
                _names[key] = [name];
                return true;
            }

            if (!names.Contains(name))
            {
                _names[key] = names.Add(name);
            }

            return false;
        }

        /// <returns>Whether that was the key's last name.</returns>
        public bool Remove(TKey key, NamespacedHostname name)
        {
            if (!_names.TryGetValue(key, out var names))
            {
                return false;
            }

            names = names.Remove(name);
            if (names.IsEmpty)
            {
                return _names.Remove(key);
            }

            _names[key] = names;
            return false;
        }

        public ServiceNameIndex<TKey> ToIndex() => new(_names.ToMap());
    }
}
