using System.Collections.Immutable;
using System.Net.Sockets;

namespace Ztunnel.Mesh;

/// <summary>
/// Services by ranges of virtual addresses. Immutable. A look-up asks once for each prefix length in use, of which
/// there are few, instead of walking all ranges.
/// </summary>
internal sealed class CidrVipIndex
{
    private readonly ServiceNameIndex<CidrVip> _names;

    // Descending, so that the longest prefix is asked first; the value counts the ranges of that length.
    private readonly ImmutableSortedDictionary<PrefixLength, int> _lengths;

    private CidrVipIndex(ServiceNameIndex<CidrVip> names, ImmutableSortedDictionary<PrefixLength, int> lengths)
    {
        _names = names;
        _lengths = lengths;
    }

    public static CidrVipIndex Empty { get; } = new(
        ServiceNameIndex<CidrVip>.Empty,
        ImmutableSortedDictionary.Create<PrefixLength, int>(
            Comparer<PrefixLength>.Create((x, y) => (y.Family, y.Bits).CompareTo((x.Family, x.Bits)))));

    /// <summary>The services of each range that holds the address, longest prefix first.</summary>
    public IEnumerable<ImmutableArray<NamespacedHostname>> Find(NetworkAddress address)
    {
        foreach (var (length, _) in _lengths)
        {
            if (length.Family == address.Address.AddressFamily)
            {
                var names = _names.Find(new(address.Network, Cidr.Containing(address.Address, length.Bits)));
                if (!names.IsEmpty)
                {
                    yield return names;
                }
            }
        }
    }

    public Builder ToBuilder() => new(this);

    public sealed class Builder(CidrVipIndex origin)
    {
        private readonly ServiceNameIndex<CidrVip>.Builder _names = origin._names.ToBuilder();
        private readonly ImmutableSortedDictionary<PrefixLength, int>.Builder _lengths = origin._lengths.ToBuilder();

        public void Add(CidrVip range, NamespacedHostname name)
        {
            if (_names.Add(range, name))
            {
                var length = PrefixLength.Of(range);
                _lengths[length] = _lengths.GetValueOrDefault(length) + 1;
            }
        }

        public void Remove(CidrVip range, NamespacedHostname name)
        {
            if (!_names.Remove(range, name))
            {
                return;
            }

            var length = PrefixLength.Of(range);
            if (--_lengths[length] == 0)
            {
                _lengths.Remove(length);
            }
        }

        public CidrVipIndex ToIndex() => new(_names.ToIndex(), _lengths.ToImmutable());
    }

    private readonly record struct PrefixLength(AddressFamily Family, int Bits)
    {
        public static PrefixLength Of(CidrVip range) =>
            new(range.Cidr.BaseAddress.AddressFamily, range.Cidr.PrefixLength);
    }
}
