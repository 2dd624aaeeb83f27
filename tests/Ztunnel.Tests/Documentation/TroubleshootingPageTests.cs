using System.Text.RegularExpressions;

namespace Ztunnel.Tests.Documentation;

/// <summary><c>docs/troubleshooting.md</c> explains texts that the program can write.</summary>
public sealed partial class TroubleshootingPageTests
{
    private const string Page = "troubleshooting.md";
    private const int ShortestFragment = 5;

    [Fact]
    public void ErrorTexts_AreInSource()
    {
        var source = string.Concat(Source.Files("Ztunnel").Concat(Source.Files("Hbone")).Select(file => file.Text));
        var texts = Source.Rows(Page).SkipWhile(row => row[0] != "Text").Where(row => row.Length == 3)
            .SelectMany(row => Source.Quoted(row[0]))
            .ToList();
        Assert.NotEmpty(texts);

        Source.AssertNone(
            from text in texts
            from fragment in Filled().Split(text).SelectMany(part => part.Split(": ")).Select(part => part.Trim(' ', ':', '(', ')', ','))
            where fragment.Length >= ShortestFragment && !source.Contains(fragment, StringComparison.Ordinal)
            select $"docs/{Page} explains '{text}', but '{fragment}' is not in source");
    }

    [GeneratedRegex(@"\{[^}]*\}|\.\.\.")]
    private static partial Regex Filled();
}
