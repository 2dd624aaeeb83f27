namespace Node.Tests.Routes;

/// <summary>Test classes that share one node and its waypoints, one test after the other.</summary>
[CollectionDefinition]
public sealed class RouteCollection : ICollectionFixture<RouteNode>;
