namespace Node.Tests.Recordings;

/// <summary><c>fixtures/logs/access-json.json</c>.</summary>
[Collection<JsonAccessReplay>]
public sealed class JsonAccessReplayTests(JsonAccessReplay replay) : AccessReplayTests(replay);
