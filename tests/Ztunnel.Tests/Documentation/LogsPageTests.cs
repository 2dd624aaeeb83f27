using System.Text.RegularExpressions;

namespace Ztunnel.Tests.Documentation;

/// <summary><c>docs/logs.md</c> lists the messages of the log and the fields of the access log that are in source.</summary>
public sealed partial class LogsPageTests
{
    private const string Page = "logs.md";

    [Fact]
    public void Page_HasEveryMessage()
    {
        var inSource = Source.Files("Ztunnel").SelectMany(file => MessagesIn(file.Path, file.Text))
            .Concat(AccessLogTexts(text => text.Contains(' ')));
        var onPage = Source.Rows(Page)
            .Where(row => row.Length == 3 && LevelNames().IsMatch(row[1]))
            .Select(row => row[0].Trim('`'));

        Source.AssertSame(Page, inSource, onPage);
    }

    /// <summary>A field of such a name would be written over by what every line has, or write over it.</summary>
    [Fact]
    public void NoMessage_HasAFieldThatEveryLineHas()
    {
        var wrong =
            from file in Source.Files("Ztunnel")
            from match in Message().Matches(file.Text)
            from field in Reserved().Matches(match.Groups["text"].Value)
            select $"{file.Path}: {field.Value} in '{TextOf(match)}'";

        Source.AssertNone(wrong);
    }

    [Fact]
    public void Page_HasTheLevelOfEveryMessage()
    {
        var levels = Source.Rows(Page)
            .Where(row => row.Length == 3 && LevelNames().IsMatch(row[1]))
            .ToDictionary(row => row[0].Trim('`'), row => row[1]);
        var wrong =
            from file in Source.Files("Ztunnel")
            from match in Message().Matches(file.Text)
            where match.Groups["level"].Success
            let level = match.Groups["level"].Value switch { "Information" => "info", "Warning" => "warn", var l => l.ToLowerInvariant() }
            let text = TextOf(match)
            where levels.TryGetValue(text, out var onPage) && onPage != level
            select $"docs/{Page} says '{levels[text]}' of '{text}', source says '{level}'";

        Source.AssertNone(wrong);
    }

    [Fact]
    public void Page_HasEveryFieldOfTheAccessLog()
    {
        var onPage = Source.Rows(Page).Where(row => row.Length == 2 && row[0].StartsWith('`')).Select(row => row[0].Trim('`'));

        Source.AssertSame(Page, AccessLogTexts(text => !text.Contains(' ') && text != "access"), onPage);
    }

    private static IEnumerable<string> AccessLogTexts(Func<string, bool> fits) => Literal()
        .Matches(Source.Files("Ztunnel/Telemetry").Single(file => file.Path.EndsWith("/AccessLog.cs", StringComparison.Ordinal)).Text)
        .Select(match => match.Groups[1].Value)
        .Where(fits);

    private static List<string> MessagesIn(string path, string text)
    {
        List<string> messages = [.. Message().Matches(text).Select(TextOf)];
        Assert.True(
            messages.Count == text.Split("LoggerMessage(").Length - 1, $"{path} has messages in a way that this test does not read");
        return messages;
    }

    // What follows the tab are fields.
    private static string TextOf(Match match) => string.Concat(
        Regex.Matches(match.Groups["text"].Value, "\"((?:[^\"\\\\]|\\\\.)*)\"").Select(part => part.Groups[1].Value)).Split("\\t")[0];

    [GeneratedRegex("""LoggerMessage\((?:EventId = )?\d+,\s*(?:LogLevel\.(?<level>\w+),\s*)?(?:Message =\s*)?(?<text>(?:"(?:[^"\\]|\\.)*"\s*\+?\s*)+)""")]
    private static partial Regex Message();

    [GeneratedRegex("\\{(?:time|level|scope|message)\\}", RegexOptions.IgnoreCase)]
    private static partial Regex Reserved();

    [GeneratedRegex("^(?:info|warn|error|debug|trace|as above)")]
    private static partial Regex LevelNames();

    [GeneratedRegex("(?<!\\$)\"([a-z_. ]+)\"")]
    private static partial Regex Literal();
}
