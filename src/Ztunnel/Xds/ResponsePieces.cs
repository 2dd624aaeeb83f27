using System.Collections.Concurrent;

namespace Ztunnel.Xds;

/// <summary>
/// Which gRPC messages belong to one response. A large one, as a first response with the whole mesh is, comes to gRPC in
/// several messages of whole fields (<see cref="PieceStream"/>), so that nobody ever holds all of its bytes. Filled by the
/// stream, emptied by the decoder, one entry for each message, in order.
/// </summary>
internal sealed class ResponsePieces
{
    private readonly ConcurrentQueue<bool> _isLast = new();

    /// <summary>A message begins.</summary>
    public void Add(bool isLast) => _isLast.Enqueue(isLast);

    /// <summary>Whether the next message ends its response, which a message that nobody cut does.</summary>
    public bool TakeIsLast() => !_isLast.TryDequeue(out var isLast) || isLast;
}
