using Fixtures;

namespace Node.Tests;

/// <summary>Which statements of control-plane 9, node-integration 8 and data-path 13 have their proof among these tests.</summary>
public sealed class StatementCoverageTests
{
    private static readonly string[] Labels =
    [
        "C10", "C11", "T13", "T15", "R7",

        // Of the data path, in namespaces.
        .. StatementLabels.Chapter('E', 3, 6), "E11", "O20", .. StatementLabels.Chapter('I', 9, 12),
    ];

    // Waypoints and other networks (N6, N7, N9) are those of the data path: E3, E5, E4.
    private static readonly string[] NodeLabels =
    [
        .. StatementLabels.Chapter('Z', 1, 20),
        .. StatementLabels.Chapter('P', 1, 5),
        .. StatementLabels.Chapter('R', 1, 8),
        .. StatementLabels.Chapter('N', 1, 5), "N8", .. StatementLabels.Chapter('N', 10, 22),
        .. StatementLabels.Chapter('D', 1, 10),
        .. StatementLabels.Chapter('E', 1, 13),
        "M1", "M2", "M5", "M7", "M8",
        .. StatementLabels.Chapter('O', 1, 25), .. StatementLabels.Chapter('I', 1, 12),
    ];

    [Fact]
    public void Statements_HaveATestThatBearsTheirLabel() =>
        Assert.Empty(StatementLabels.WithoutTest(typeof(StatementCoverageTests).Assembly, Labels));

    [Fact]
    public void Document_NamesTestsThatExist() =>
        Assert.Empty(StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly));

    [Fact]
    public void NodeDocument_HasATestForEachStatementAndNamesTestsThatExist()
    {
        Assert.Empty(StatementLabels.WithoutRow(StatementLabels.NodeDocument, NodeLabels));
        Assert.Empty(StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly, StatementLabels.NodeDocument));
    }
}
