namespace Node.Tests.Metrics;

/// <summary>Test classes that share one pair of scraped nodes.</summary>
[CollectionDefinition]
public sealed class ScrapedNodesCollection : ICollectionFixture<ScrapedNodes>;
