namespace Hbone.Tests.Http2.Requirements;

/// <summary>Every requirement has its tests, and docs/http2-conformance.md says which.</summary>
public sealed class ConformanceReportTests
{
    private const string WriteVariable = "HTTP2_CONFORMANCE_WRITE";

    private const string Command = WriteVariable
        + "=1 dotnet test --project tests/Hbone.Tests --filter-class " + nameof(Hbone) + "." + nameof(Tests) + "."
        + nameof(Http2) + "." + nameof(Requirements) + "." + nameof(ConformanceReportTests);

    private static readonly string Document = Path.Combine(Fixture.RepositoryRoot, "docs", "http2-conformance.md");

    private static readonly IReadOnlyList<Coverage> Tests = [.. RequirementCoverage.Read()];

    private static IEnumerable<Requirement> All => RequirementCatalogue.Rules.Concat(RequirementCatalogue.Limits);

    [Fact]
    public void Ids_AreUnique() => Assert.Empty(All.GroupBy(rule => rule.Id).Where(g => g.Count() > 1).Select(g => g.Key));

    [Fact]
    public void Tests_NameRequirementsThatExist() =>
        Assert.DoesNotContain(Tests, test => All.All(rule => rule.Id != test.Id));

    [Fact]
    public void Requirements_ThatConcernUs_HaveATestForEachRole()
    {
        var covered = Tests.ToLookup(test => test.Id, test => test.Role);

        var missing =
            from rule in RequirementCatalogue.Rules
            let lacking = rule.Role & ~covered[rule.Id].Aggregate(Role.None, (all, role) => all | role)
            where lacking != Role.None
            select $"{rule.Id} as {lacking}: {rule.Text}";

        Assert.Empty(missing);
    }

    [Fact]
    public void Requirements_ThatDoNotConcernUs_SayWhyAndHaveNoTest()
    {
        var others = RequirementCatalogue.Rules.Where(rule => !rule.IsApplicable).ToList();

        Assert.DoesNotContain(others, rule => string.IsNullOrWhiteSpace(rule.Remark));
        Assert.DoesNotContain(Tests, test => others.Exists(rule => rule.Id == test.Id));
    }

    [Fact]
    public void Document_IsWhatTheTestsSay()
    {
        var current = ConformanceReport.Render(RequirementCatalogue.Rules, RequirementCatalogue.Limits, Tests);
        if (Environment.GetEnvironmentVariable(WriteVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Document)!);
            File.WriteAllText(Document, current);
        }

        var written = File.Exists(Document) ? File.ReadAllText(Document) : "";

        Assert.True(current == written, $"docs/http2-conformance.md is stale; write it anew with: {Command}");
    }
}
