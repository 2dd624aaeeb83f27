namespace Node.Tests.Recordings;

/// <summary>The situations with JSON logs, brought about once for all test classes that look at them.</summary>
[CollectionDefinition]
public sealed class JsonAccessReplay() : AccessReplay("json"), ICollectionFixture<JsonAccessReplay>;
