namespace Node.Tests.Recordings;

/// <summary>The situations with text logs, brought about once for all test classes that look at them.</summary>
[CollectionDefinition]
public sealed class PlainAccessReplay() : AccessReplay("plain"), ICollectionFixture<PlainAccessReplay>;
