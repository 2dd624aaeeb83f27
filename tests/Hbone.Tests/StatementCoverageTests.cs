namespace Hbone.Tests;

/// <summary>Control-plane 9: which statements have their proof among these tests.</summary>
public sealed class StatementCoverageTests
{
    private static readonly string[] Labels =
    [
        "T1", "T10", "T13", "T15",
    ];

    [Fact]
    public void Statements_HaveATestThatBearsTheirLabel() =>
        Assert.Empty(StatementLabels.WithoutTest(typeof(StatementCoverageTests).Assembly, Labels));

    [Fact]
    public void Document_NamesTestsThatExist() =>
        Assert.Empty(StatementLabels.WrongInDocument(typeof(StatementCoverageTests).Assembly));
}
