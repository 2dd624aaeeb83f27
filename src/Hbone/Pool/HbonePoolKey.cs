using System.Collections.Immutable;
using System.Net;
using Hbone.Tls;

namespace Hbone.Pool;

/// <summary>What two tunnels must have in common to share a connection.</summary>
/// <param name="Source">Identity that we present.</param>
/// <param name="Expected">Identities of which the peer must present one, in order.</param>
/// <param name="Destination">Where the peer listens.</param>
/// <param name="DownstreamAddress">The application's address: peers see it as the connection's source.</param>
public sealed record HbonePoolKey(
    SpiffeId Source, ImmutableArray<SpiffeId> Expected, IPEndPoint Destination, IPAddress DownstreamAddress)
{
    /// <summary>Compares the expected identities by value, in order.</summary>
    public bool Equals(HbonePoolKey? other) =>
        other is not null
        && Destination.Equals(other.Destination)
        && DownstreamAddress.Equals(other.DownstreamAddress)
        && Source.Equals(other.Source)
        && Expected.AsSpan().SequenceEqual(other.Expected.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Source.Principal, Destination, DownstreamAddress, Expected.Length);
}
