using System.Globalization;
using YamlDotNet.Core;

namespace Ztunnel.Inspect;

/// <summary>How a string is written in YAML so that readers of YAML 1.1 and 1.2 take it for a string.</summary>
internal static class YamlStyle
{
    // What YAML 1.1 takes for null, true or false, and the key that merges maps.
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "<<", "=",
    };

    /// <summary>Quoted when it would be something else than a string, a block when it has lines, else plain.</summary>
    public static ScalarStyle Of(string text) =>
        text.Any(c => char.IsControl(c) && c != '\n') ? ScalarStyle.DoubleQuoted
        : text.Contains('\n', StringComparison.Ordinal)
            ? char.IsWhiteSpace(text[0]) ? ScalarStyle.DoubleQuoted : ScalarStyle.Literal
        : Words.Contains(text) || IsNumberOrTime(text) ? ScalarStyle.DoubleQuoted
        : ScalarStyle.Any;

    // Numbers of any base, with underscores or colons (base 60), dates and times begin so, and have nothing else. Addresses
    // have more dots, or two colons in a row.
    private static bool IsNumberOrTime(string text)
    {
        var digits = text.TrimStart('+', '-', '.');
        return (digits.Length > 0 && char.IsAsciiDigit(digits[0])
                && text.IndexOf('.', StringComparison.Ordinal) == text.LastIndexOf('.')
                && !text.Contains("::", StringComparison.Ordinal)
                && text.All(c => char.IsAsciiHexDigit(c) || "+-._:xobTtZz ".Contains(c, StringComparison.Ordinal)))
            || digits.Equals("inf", StringComparison.OrdinalIgnoreCase)
            || digits.Equals("nan", StringComparison.OrdinalIgnoreCase)
            || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
    }
}
