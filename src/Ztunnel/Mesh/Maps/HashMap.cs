using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Ztunnel.Mesh.Maps;

/// <summary>
/// An immutable hash map for very many entries; the next one shares what did not change. A tree of the hash's bits, four
/// ways at a time, with a few entries in each leaf: about a third of the memory of a tree with an object for each entry, and
/// a tenth of the objects that the garbage collector has to look at.
/// </summary>
internal sealed class HashMap<TKey, TValue> : IEnumerable<KeyValuePair<TKey, TValue>>
    where TKey : notnull
{
    // A full leaf is divided, until the bits of the hash are used up.
    private const int MaxLeaf = 16;
    private const int Ways = 4;
    private const int BitsPerLevel = 2;
    private const int HashBits = 32;

    // Null, an array of entries, or a branch.
    private readonly object? _root;

    private HashMap(object? root, int count) => (_root, Count) = (root, count);

    public static HashMap<TKey, TValue> Empty { get; } = new(null, 0);

    public int Count { get; }

    public bool IsEmpty => Count == 0;

    public IEnumerable<TKey> Keys => this.Select(entry => entry.Key);

    public IEnumerable<TValue> Values => this.Select(entry => entry.Value);

    public TValue this[TKey key] => TryGetValue(key, out var value)
        ? value
        : throw new KeyNotFoundException($"there is no '{key}'");

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => TryFind(_root, key, out value);

    public bool ContainsKey(TKey key) => TryGetValue(key, out _);

    public TValue? GetValueOrDefault(TKey key) => TryGetValue(key, out var value) ? value : default;

    /// <summary>The map with an entry inserted or replaced.</summary>
    public HashMap<TKey, TValue> SetItem(TKey key, TValue value)
    {
        var builder = ToBuilder();
        builder[key] = value;
        return builder.ToMap();
    }

    /// <summary>The map without a key; the same object when it has none.</summary>
    public HashMap<TKey, TValue> Remove(TKey key)
    {
        var builder = ToBuilder();
        builder.Remove(key);
        return builder.ToMap();
    }

    /// <summary>
    /// The value at a position below <see cref="Count"/>, in an order that means nothing: for drawing one of all without
    /// walking them.
    /// </summary>
    public TValue At(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count);
        var node = _root;
        while (node is Branch branch)
        {
            var way = 0;
            for (int size; index >= (size = SizeOf(branch.Children[way])); way++)
            {
                index -= size;
            }

            node = branch.Children[way];
        }

        return LeafOf(node!)[index].Value;
    }

    public Builder ToBuilder() => new(this);

    public IEnumerator<KeyValuePair<TKey, TValue>> GetEnumerator() => Enumerate(_root).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static bool TryFind(object? node, TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        var hash = (uint)key.GetHashCode();
        while (node is Branch branch)
        {
            node = branch.Children[(int)(hash % Ways)];
            hash >>= BitsPerLevel;
        }

        if (node is not null)
        {
            foreach (ref readonly var entry in LeafOf(node).AsSpan())
            {
                if (EqualityComparer<TKey>.Default.Equals(entry.Key, key))
                {
                    value = entry.Value;
                    return true;
                }
            }
        }

        value = default;
        return false;
    }

    private static int SizeOf(object? node) => node switch
    {
        null => 0,
        Branch branch => branch.Size,
        _ => LeafOf(node).Length,
    };

    private static Entry[] LeafOf(object node) => Unsafe.As<Entry[]>(node); // what is no branch is a leaf

    private static IEnumerable<KeyValuePair<TKey, TValue>> Enumerate(object? root)
    {
        var pending = new Stack<object?>([root]);
        while (pending.TryPop(out var node))
        {
            if (node is Branch branch)
            {
                for (var i = 0; i < Ways; i++)
                {
                    pending.Push(branch.Children[i]);
                }
            }
            else if (node is not null)
            {
                foreach (var entry in LeafOf(node))
                {
                    yield return KeyValuePair.Create(entry.Key, entry.Value);
                }
            }
        }
    }

    /// <summary>Collects changes; each costs what one path through the tree costs. For one thread.</summary>
    public sealed class Builder(HashMap<TKey, TValue> origin)
    {
        private object? _root = origin._root;

        // Branches that were made for this builder alone carry it and are changed in place. A snapshot ends that.
        private object _owner = new();
        private HashMap<TKey, TValue>? _current = origin;

        public int Count { get; private set; } = origin.Count;

        public TValue this[TKey key]
        {
            get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"there is no '{key}'");
            set => Set(key, value, replace: true);
        }

        public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => TryFind(_root, key, out value);

        public bool ContainsKey(TKey key) => TryGetValue(key, out _);

        public TValue? GetValueOrDefault(TKey key) => TryGetValue(key, out var value) ? value : default;

        /// <returns>Whether the key is new; nothing is changed if not.</returns>
        public bool TryAdd(TKey key, TValue value) => Set(key, value, replace: false);

        public bool Remove(TKey key) => Remove(key, out _);

        public bool Remove(TKey key, [MaybeNullWhen(false)] out TValue value)
        {
            if (!TryFind(_root, key, out value))
            {
                return false;
            }

            _root = Without(_root!, key, (uint)key.GetHashCode());
            Count--;
            _current = null;
            return true;
        }

        /// <summary>The changes so far; the same object as before when there were none.</summary>
        public HashMap<TKey, TValue> ToMap()
        {
            _owner = new object();
            return _current ??= Count == 0 ? Empty : new(_root, Count);
        }

        private bool Set(TKey key, TValue value, bool replace)
        {
            var before = Count;
            if (!replace && ContainsKey(key))
            {
                return false;
            }

            _root = With(_root, key, value, (uint)key.GetHashCode(), depth: 0);
            _current = null;
            return Count > before;
        }

        private object With(object? node, TKey key, TValue value, uint hash, int depth)
        {
            if (node is Branch branch)
            {
                var own = Own(branch);
                var before = Count;
                ref var child = ref own.Children[(int)(hash % Ways)];
                child = With(child, key, value, hash >> BitsPerLevel, depth + 1);
                own.Size += Count - before;
                return own;
            }

            if (node is null)
            {
                Count++;
                return new Entry[] { new(key, value) };
            }

            var leaf = LeafOf(node);
            for (var i = 0; i < leaf.Length; i++)
            {
                if (EqualityComparer<TKey>.Default.Equals(leaf[i].Key, key))
                {
                    var changed = (Entry[])leaf.Clone();
                    changed[i] = new(key, value);
                    return changed;
                }
            }

            if (leaf.Length >= MaxLeaf && depth < HashBits / BitsPerLevel)
            {
                return With(Divide(leaf, depth), key, value, hash, depth);
            }

            Count++;
            return (Entry[])[.. leaf, new(key, value)];
        }

        private Branch Divide(Entry[] leaf, int depth)
        {
            var branch = new Branch { Owner = _owner, Size = leaf.Length };
            for (var way = 0; way < Ways; way++)
            {
                var entries = Array.FindAll(
                    leaf, entry => ((uint)entry.Key.GetHashCode() >> (depth * BitsPerLevel)) % Ways == way);
                branch.Children[way] = entries.Length == 0 ? null : entries;
            }

            return branch;
        }

        // The key is there. Leaves that have become empty go, and branches without any.
        private object? Without(object node, TKey key, uint hash)
        {
            if (node is Branch branch)
            {
                var own = Own(branch);
                ref var child = ref own.Children[(int)(hash % Ways)];
                child = Without(child!, key, hash >> BitsPerLevel);
                return --own.Size == 0 ? null : own;
            }

            var leaf = LeafOf(node);
            return leaf.Length == 1
                ? null
                : Array.FindAll(leaf, entry => !EqualityComparer<TKey>.Default.Equals(entry.Key, key));
        }

        private Branch Own(Branch branch) => ReferenceEquals(branch.Owner, _owner)
            ? branch
            : new Branch { Owner = _owner, Children = branch.Children, Size = branch.Size };
    }

    private readonly record struct Entry(TKey Key, TValue Value);

    [InlineArray(Ways)]
    private struct FourNodes
    {
        private object? _first;
    }

    private sealed class Branch
    {
        public FourNodes Children;

        public object? Owner { get; init; }

        /// <summary>Entries below it.</summary>
        public int Size { get; set; }
    }
}
