#pragma warning disable IDE0130 // linked into test projects, so no folder names its namespace
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit.v3;

namespace Fixtures;

/// <summary>
/// Statements of the contract by the tests that prove them. A test's name begins with the labels of its statements, such as
/// <c>S3_O25_Lookup_ByAddress</c>.
/// </summary>
internal static partial class StatementLabels
{
    /// <summary>Where a reader finds which test proves what of the control plane's contract.</summary>
    public const string Document = "docs/control-plane-statements.md";

    /// <summary>The same for the contract of the node.</summary>
    public const string NodeDocument = "docs/node-statements.md";

    /// <summary>Labels of one chapter, first to last.</summary>
    public static IEnumerable<string> Chapter(char letter, int first, int last) =>
        Enumerable.Range(first, last - first + 1).Select(number => $"{letter}{number}");

    /// <summary>The labels that no test of the assembly has.</summary>
    public static IEnumerable<string> WithoutTest(Assembly tests, IEnumerable<string> labels) =>
        labels.Except(TestsOf(tests).SelectMany(test => LabelsOf(test.Method)));

    /// <summary>The labels for which a document names no test.</summary>
    public static IEnumerable<string> WithoutRow(string document, IEnumerable<string> labels) =>
        labels.Except(RowsOf(document).Select(row => row.Groups["label"].Value));

    /// <summary>What a document says of this assembly and is not so: no such test, or it has not that label.</summary>
    public static IEnumerable<string> WrongInDocument(Assembly tests, string document = Document)
    {
        var names = TestsOf(tests).ToHashSet();
        var project = tests.GetName().Name;
        return
            from row in RowsOf(document)
            where row.Groups["project"].Value == project
            let test = (row.Groups["type"].Value, row.Groups["method"].Value)
            where !names.Contains(test) || !LabelsOf(test.Item2).Contains(row.Groups["label"].Value)
            select row.Value;
    }

    private static IEnumerable<Match> RowsOf(string document) =>
        File.ReadLines(Path.Combine(Fixture.RepositoryRoot, document)).Select(line => Row().Match(line)).Where(row => row.Success);

    private static IEnumerable<(string Type, string Method)> TestsOf(Assembly tests) =>
        from type in tests.GetTypes()
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance)
        where method.GetCustomAttributes(inherit: true).Any(attribute => attribute is IFactAttribute { Skip: null })
        select (type.Name, method.Name);

    private static IEnumerable<string> LabelsOf(string method) =>
        Labels().Match(method).Groups["label"].Captures.Select(capture => capture.Value);

    [GeneratedRegex("^(?:(?<label>[A-Z][0-9]+)_)*")]
    private static partial Regex Labels();

    [GeneratedRegex(@"^\| (?<label>[A-Z][0-9]+) \| (?<project>[A-Za-z.]+) \| `(?<type>\w+)\.(?<method>\w+)` \|$")]
    private static partial Regex Row();
}
