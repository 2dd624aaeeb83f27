namespace Node.Tests.Recordings;

/// <summary>A situation as it went with our proxies.</summary>
/// <param name="Client">What the client saw, in the words of the recordings.</param>
/// <param name="ClientPort">Port of the client's own connection; 0 if it made none to a captured address.</param>
/// <param name="SourceLog">The access lines of the proxy of pod a.</param>
/// <param name="DestinationLog">The access lines of the proxy of pod b.</param>
internal sealed record ReplayedSituation(
    string Client, int ClientPort, IReadOnlyList<string> SourceLog, IReadOnlyList<string> DestinationLog);
