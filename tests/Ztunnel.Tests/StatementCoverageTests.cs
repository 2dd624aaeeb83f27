using Fixtures;

namespace Ztunnel.Tests;

/// <summary>Control-plane 9: which statements have their proof among these tests.</summary>
public sealed class StatementCoverageTests
{
    private static readonly string[] Labels =
    [
        .. StatementLabels.Chapter('C', 1, 9),
        .. StatementLabels.Chapter('X', 1, 10),
        .. StatementLabels.Chapter('S', 1, 21),
        .. StatementLabels.Chapter('R', 1, 7),
        .. StatementLabels.Chapter('T', 2, 12),
        .. StatementLabels.Chapter('T', 14, 15),
        .. StatementLabels.Chapter('Z', 1, 20),
        "A4", "A8", "A10", "D10",

        // Of the data path: what is decided about a connection. Control-plane 9.4 and 9.5 say no more than these do.
        .. StatementLabels.Chapter('O', 1, 19), .. StatementLabels.Chapter('O', 21, 25),
        .. StatementLabels.Chapter('I', 1, 8),
    ];

    [Fact]
    public void Statements_HaveATestThatBearsTheirLabel() =>
        Assert.Empty(StatementLabels.WithoutTest(typeof(StatementCoverageTests).Assembly, Labels));

    [Fact]
    public void Document_NamesTestsThatExist() =>
        Assert.Empty(StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly));

    [Fact]
    public void Document_HasATestForEachStatementOfNamesAndTelemetry() => Assert.Empty(StatementLabels.WithoutRow(
        StatementLabels.Document, [.. StatementLabels.Chapter('D', 1, 16), .. StatementLabels.Chapter('A', 1, 10)]));

    [Fact]
    public void NodeDocument_NamesTestsThatExist() => Assert.Empty(
        StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly, StatementLabels.NodeDocument));
}
