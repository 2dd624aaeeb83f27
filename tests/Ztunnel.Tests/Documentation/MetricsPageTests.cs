using System.Text.RegularExpressions;
using Fixtures;

namespace Ztunnel.Tests.Documentation;

/// <summary><c>docs/metrics.md</c> lists the families that are registered, with their types, and every label.</summary>
public sealed partial class MetricsPageTests
{
    private const string Page = "metrics.md";

    private static IEnumerable<(string Path, string Text)> Files => Source.Files("Ztunnel")
        .Where(file => !file.Path.Contains("/Demo/", StringComparison.Ordinal));

    [Fact]
    public void Page_HasTheFamiliesThatAreRegistered()
    {
        var registered = Files.SelectMany(file => FamiliesIn(file.Path, file.Text));
        var onPage = Source.Rows(Page)
            .Where(row => row.Length == 4 && row[0].StartsWith('`'))
            .Select(row => $"{row[0].Trim('`')} ({row[1]})");

        Source.AssertSame(Page, registered, onPage);
    }

    [Fact]
    public void Page_NamesEveryLabel()
    {
        var page = File.ReadAllText(Path.Combine(Fixture.RepositoryRoot, "docs", Page));
        var labels = Files.SelectMany(file => Label().Matches(file.Text)).Select(match => match.Groups[1].Value).Distinct();

        Source.AssertNone(labels.Where(label => !page.Contains($"`{label}`", StringComparison.Ordinal))
            .Select(label => $"docs/{Page} does not name label {label}, which is in source"));
    }

    private static List<string> FamiliesIn(string path, string text)
    {
        List<string> families = [.. Family().Matches(text).Select(match =>
            $"{match.Groups["name"].Value}{(match.Groups["type"].Value == "counter" ? "_total" : "")} ({match.Groups["type"].Value})")];
        Assert.True(
            families.Count == text.Split("new MetricFamily(").Length - 1, $"{path} makes families in a way that this test does not read");
        return families;
    }

    [GeneratedRegex("""new MetricFamily\(\s*"(?<name>\w+)",\s*(?:"[^"]*"\s*\+?\s*)+,\s*"(?<type>counter|gauge|histogram)",""")]
    private static partial Regex Family();

    [GeneratedRegex("""(?:\bLabel\(|WritePrincipal\(text,)\s*"(\w+)"u8""")]
    private static partial Regex Label();
}
