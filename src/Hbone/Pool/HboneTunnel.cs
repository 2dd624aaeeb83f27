using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Pool;

/// <summary>A CONNECT that was answered with 200.</summary>
/// <param name="Stream">Its bytes.</param>
/// <param name="Answer">Status and headers of the answer.</param>
/// <param name="PeerIds">SPIFFE IDs of the peer's certificate.</param>
public sealed record HboneTunnel(Http2Stream Stream, ConnectAnswer Answer, IReadOnlyList<SpiffeId> PeerIds);
