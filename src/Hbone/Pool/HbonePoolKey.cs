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
    /// <summary>
    /// The outer tunnel that the connection runs inside of, whose peer is then the one at <see cref="Destination"/>; null
    /// when it runs on TCP.
    /// </summary>
    public OuterTunnel? Outer { get; init; }

    /// <summary>
    /// Makes every tunnel's key unlike all others, for connections that are not shared; 0 where they are.
    /// </summary>
    internal long Number { get; init; }

    /// <summary>Compares the expected identities by value, in order.</summary>
    public bool Equals(HbonePoolKey? other) =>
        other is not null
        && Destination.Equals(other.Destination)
        && DownstreamAddress.Equals(other.DownstreamAddress)
        && Source.Equals(other.Source)
        && Number == other.Number
        && Equals(Outer, other.Outer)
        && Expected.AsSpan().SequenceEqual(other.Expected.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(
        Source.Principal, Destination, DownstreamAddress, Expected.Length, Outer?.Authority, Number);
}
