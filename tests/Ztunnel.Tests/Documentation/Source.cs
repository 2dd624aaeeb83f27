using Fixtures;

namespace Ztunnel.Tests.Documentation;

/// <summary>The program's source, and the pages of <c>docs/</c> that list what is in it.</summary>
internal static class Source
{
    /// <summary>Text of each file of a folder below <c>src/</c>, without lines that are comments, and its path.</summary>
    public static IEnumerable<(string Path, string Text)> Files(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Fixture.RepositoryRoot, "src", folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Select(path => (path, string.Join('\n', File.ReadLines(path).Where(line => !IsComment(line)))));

    /// <summary>The rows of a page's tables, cell by cell; heads and rulers too.</summary>
    public static IEnumerable<string[]> Rows(string page) =>
        File.ReadLines(Path.Combine(Fixture.RepositoryRoot, "docs", page))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split(" | ", StringSplitOptions.TrimEntries));

    /// <summary>What stands in backticks.</summary>
    public static IEnumerable<string> Quoted(string cell) => cell.Split('`').Where((_, index) => index % 2 == 1);

    /// <summary>Fails with a sentence for each difference between a page and the source.</summary>
    public static void AssertSame(string page, IEnumerable<string> inSource, IEnumerable<string> onPage)
    {
        var (wanted, rows) = (inSource.ToHashSet(), onPage.ToList());
        var problems = wanted.Except(rows).Select(name => $"docs/{page} has no row for {name}, which is in source")
            .Concat(rows.Except(wanted).Select(name => $"docs/{page} has a row for {name}, which is not in source"))
            .Concat(rows.CountBy(name => name).Where(row => row.Value > 1).Select(row => $"docs/{page} has {row.Value} rows for {row.Key}"))
            .Order(StringComparer.Ordinal);
        AssertNone(problems);
    }

    /// <summary>Fails with all of the sentences, uncut.</summary>
    public static void AssertNone(IEnumerable<string> problems)
    {
        var text = string.Join('\n', problems);
        Assert.True(text.Length == 0, text);
    }

    private static bool IsComment(string line) => line.TrimStart().StartsWith("//", StringComparison.Ordinal);
}
