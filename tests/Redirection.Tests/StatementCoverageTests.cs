using Fixtures;

namespace Redirection.Tests;

/// <summary>Node-integration 8: what the document says of these tests.</summary>
public sealed class StatementCoverageTests
{
    [Fact]
    public void NodeDocument_NamesTestsThatExist() => Assert.Empty(
        StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly, StatementLabels.NodeDocument));
}
