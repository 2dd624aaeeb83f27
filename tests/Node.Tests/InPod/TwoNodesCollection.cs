namespace Node.Tests.InPod;

/// <summary>Test classes that share one pair of nodes, one test after the other.</summary>
[CollectionDefinition]
public sealed class TwoNodesCollection : ICollectionFixture<TwoNodes>;
