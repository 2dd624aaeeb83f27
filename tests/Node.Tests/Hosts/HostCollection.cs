namespace Node.Tests.Hosts;

/// <summary>Test classes that share one node and its name server, one test after the other.</summary>
[CollectionDefinition]
public sealed class HostCollection : ICollectionFixture<HostNode>;
