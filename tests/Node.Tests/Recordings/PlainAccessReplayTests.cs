namespace Node.Tests.Recordings;

/// <summary><c>fixtures/logs/access-plain.json</c>.</summary>
[Collection<PlainAccessReplay>]
public sealed class PlainAccessReplayTests(PlainAccessReplay replay) : AccessReplayTests(replay);
