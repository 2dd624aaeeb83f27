using System.Globalization;
using System.Text.RegularExpressions;

namespace Ztunnel.Demo;

/// <summary>One line of a metrics page: <c>name{label="value",...} number</c>.</summary>
internal sealed partial record MetricSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    /// <summary>Reads a page in the Prometheus or OpenMetrics text form; comments are left out.</summary>
    public static MetricSample[] Parse(string page) =>
        [.. page.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(ParseLine)];

    /// <summary>Whether it has all of these labels with these values.</summary>
    public bool Has(params ReadOnlySpan<(string Name, string Value)> labels)
    {
        foreach (var (name, value) in labels)
        {
            if (!Labels.TryGetValue(name, out var actual) || actual != value)
            {
                return false;
            }
        }

        return true;
    }

    private static MetricSample ParseLine(string line)
    {
        var match = Line.Match(line);
        if (!match.Success)
        {
            throw new CheckFailedException($"not a line of metrics: {line}");
        }

        var labels = Label.Matches(match.Groups["labels"].Value)
            .ToDictionary(label => label.Groups["name"].Value, label => Unescape(label.Groups["value"].Value));
        return new MetricSample(
            match.Groups["name"].Value,
            labels,
            double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture));
    }

    private static string Unescape(string value) =>
        value.Replace("\\\"", "\"", StringComparison.Ordinal)
            .Replace("\\n", "\n", StringComparison.Ordinal)
            .Replace("\\\\", "\\", StringComparison.Ordinal);

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<labels>.*)\})? (?<value>\S+)""")]
    private static partial Regex Line { get; }

    [GeneratedRegex("""(?<name>[a-zA-Z_]\w*)="(?<value>(\\.|[^"\\])*)",?""")]
    private static partial Regex Label { get; }
}
