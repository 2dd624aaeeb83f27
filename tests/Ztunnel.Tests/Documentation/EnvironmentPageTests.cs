using System.Text.RegularExpressions;

namespace Ztunnel.Tests.Documentation;

/// <summary><c>docs/environment.md</c> lists the variables that <c>src/Ztunnel/Config</c> reads, no more and no fewer.</summary>
public sealed partial class EnvironmentPageTests
{
    private const string Page = "environment.md";

    // Both control plane servers have the same variables.
    private static readonly string[] Servers = ["XDS", "CA"];

    // Keys of node metadata, which these variables set.
    private static readonly string[] MetadataKeys = ["DNS_CAPTURE", "DNS_PROXY_ADDR"];

    // Spelt like variables, and values of some.
    private static readonly string[] Values = ["SYSTEM"];

    [Fact]
    public void Page_HasTheVariablesThatAreRead()
    {
        var onPage = Source.Rows(Page).Where(row => row.Length == 4).SelectMany(row => Source.Quoted(row[0]));

        Source.AssertSame(Page, Source.Files("Ztunnel/Config").SelectMany(file => NamesIn(file.Text)), onPage);
    }

    private static IEnumerable<string> NamesIn(string text) => Literal().Matches(text)
        .Select(match => match.Groups[1].Value)
        .Except([.. Servers, .. Values])
        .Select(name => MetadataKeys.Contains(name) ? $"ISTIO_META_{name}" : name)
        .Concat(
            from match in OfServer().Matches(text)
            from server in Servers
            select $"{match.Groups[1].Value}{server}{match.Groups[2].Value}")
        .Select(name => name.EndsWith('_') ? $"{name}*" : name);

    [GeneratedRegex("(?<!\\$)\"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_?)\"")]
    private static partial Regex Literal();

    [GeneratedRegex("\\$\"([A-Z_]*)\\{server\\}([A-Z_]+)\"")]
    private static partial Regex OfServer();
}
