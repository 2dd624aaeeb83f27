using FsCheck.Xunit;
using Ztunnel.Mesh.Maps;

namespace Ztunnel.Tests.Mesh.Maps;

/// <summary>The map against the dictionary of the framework.</summary>
public sealed class HashMapTests
{
    [Property(MaxTest = 200)]
    public void AnyChanges_AreThoseOfADictionary_AndEarlierMapsStay((byte Key, bool Removes)[] changes, byte snapshotAt)
    {
        var expected = new Dictionary<Key, int>();
        var builder = HashMap<Key, int>.Empty.ToBuilder();
        HashMap<Key, int>? early = null;
        Dictionary<Key, int>? earlyExpected = null;
        for (var i = 0; i < changes.Length; i++)
        {
            if (i == snapshotAt)
            {
                (early, earlyExpected) = (builder.ToMap(), new(expected));
            }

            var key = new Key(changes[i].Key);
            if (changes[i].Removes)
            {
                Assert.Equal(expected.Remove(key), builder.Remove(key));
            }
            else
            {
                (expected[key], builder[key]) = (i, i);
            }
        }

        AssertSame(expected, builder.ToMap());
        if (early is not null)
        {
            AssertSame(earlyExpected!, early);
        }
    }

    [Fact]
    public void ThousandsOfEntries_AreFoundDrawnAndRemoved()
    {
        var expected = Enumerable.Range(0, 5_000).ToDictionary(i => $"key {i}", i => i);
        var builder = HashMap<string, int>.Empty.ToBuilder();
        foreach (var (key, value) in expected)
        {
            Assert.True(builder.TryAdd(key, value));
            Assert.False(builder.TryAdd(key, -1));
        }

        var map = builder.ToMap();
        AssertSame(expected, map);
        foreach (var key in expected.Keys)
        {
            Assert.True(builder.Remove(key));
        }

        Assert.True(builder.ToMap().IsEmpty);
        AssertSame(expected, map);
    }

    [Fact]
    public void Snapshot_WithoutChanges_IsTheSameObject()
    {
        var map = HashMap<string, int>.Empty.SetItem("a", 1);

        Assert.Same(map, map.ToBuilder().ToMap());
        Assert.Same(map, map.Remove("b"));
    }

    private static void AssertSame<TKey>(Dictionary<TKey, int> expected, HashMap<TKey, int> map)
        where TKey : notnull
    {
        Assert.Equal(expected.Count, map.Count);
        Assert.Equal(expected.Values.Order(), map.Values.Order());
        Assert.Equal(expected.Values.Order(), Enumerable.Range(0, map.Count).Select(map.At).Order());
        Assert.All(expected, entry => Assert.Equal(entry.Value, map[entry.Key]));
    }

    /// <summary>Few hashes, all with the same low bits: leaves that cannot be divided.</summary>
    private readonly record struct Key(byte Value)
    {
        public override int GetHashCode() => (Value % 3) << 28;
    }
}
