using Hbone.Http2.Hpack;

namespace Hbone.Http2;

/// <summary>The answer to a CONNECT: final status and headers, without the pseudo header.</summary>
/// <param name="Status">100 to 599; 200 opens the tunnel.</param>
/// <param name="Headers">In wire order.</param>
public sealed record ConnectAnswer(int Status, IReadOnlyList<HeaderField> Headers);
