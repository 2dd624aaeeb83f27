using System.Globalization;
using System.Text;

namespace Ztunnel.Telemetry;

/// <summary>
/// Text of a log event. What a template names after a tab is a field only, as in the line that it becomes:
/// <c>listener established TAB {Address} {Component}</c> reads <c>listener established TAB address=… component=…</c>.
/// </summary>
internal static class LogMessage
{
    private const string TemplateKey = "{OriginalFormat}";

    /// <summary>The text, or null when the template has no tab and is rendered as usual.</summary>
    public static string? Render(IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        if (values is not [.., { Key: TemplateKey, Value: string template }])
        {
            return null;
        }

        var tab = template.IndexOf('\t', StringComparison.Ordinal);
        return tab < 0 ? null : Fill(template[..tab], values);
    }

    private static string Fill(string template, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        if (!template.Contains('{', StringComparison.Ordinal))
        {
            return template;
        }

        var text = new StringBuilder();
        var rest = template.AsSpan();
        while (rest.IndexOf('{') is var opening and >= 0 && rest[opening..].IndexOf('}') is var length and > 0)
        {
            text.Append(rest[..opening]).Append(Format(rest.Slice(opening + 1, length - 1), values));
            rest = rest[(opening + length + 1)..];
        }

        return text.Append(rest).ToString();
    }

    private static string Format(ReadOnlySpan<char> placeholder, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        var colon = placeholder.IndexOf(':');
        var name = colon < 0 ? placeholder : placeholder[..colon];
        foreach (var (key, value) in values)
        {
            if (name.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                return colon >= 0 && value is IFormattable formattable
                    ? formattable.ToString(placeholder[(colon + 1)..].ToString(), CultureInfo.InvariantCulture)
                    : LogLine.ToText(value);
            }
        }

        return "";
    }
}
