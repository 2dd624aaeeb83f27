using System.Collections.Immutable;
using Hbone.Tls;

namespace Hbone.Pool;

/// <summary>A tunnel to a gateway, inside of which a connection to somebody behind it runs.</summary>
/// <param name="Expected">Identities of which the gateway must present one, in order.</param>
/// <param name="Authority">What the gateway is asked for.</param>
public sealed record OuterTunnel(ImmutableArray<SpiffeId> Expected, string Authority)
{
    /// <summary>Compares the expected identities by value, in order.</summary>
    public bool Equals(OuterTunnel? other) =>
        other is not null
        && Authority == other.Authority
        && Expected.AsSpan().SequenceEqual(other.Expected.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Authority, Expected.Length);
}
