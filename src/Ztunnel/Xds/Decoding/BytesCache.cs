using System.Diagnostics.CodeAnalysis;

namespace Ztunnel.Xds.Decoding;

/// <summary>
/// What was decoded from certain bytes, to be found by the same bytes again. When it is full it starts anew: what was taken
/// from it stays in use.
/// </summary>
internal sealed class BytesCache<T>(int capacity)
    where T : class
{
    private readonly Dictionary<byte[], T> _values = new(new BytesComparer());

    public bool TryGet(ReadOnlySpan<byte> bytes, [MaybeNullWhen(false)] out T value) =>
        _values.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(bytes, out value);

    public void Add(ReadOnlySpan<byte> bytes, T value)
    {
        if (_values.Count >= capacity)
        {
            _values.Clear();
        }

        _values.GetAlternateLookup<ReadOnlySpan<byte>>()[bytes] = value;
    }

    private sealed class BytesComparer
        : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] bytes) => GetHashCode(bytes.AsSpan());

        // Seeded for each process: nobody can choose bytes that collide.
        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
