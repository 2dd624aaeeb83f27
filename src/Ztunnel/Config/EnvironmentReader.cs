using System.Collections;
using System.Collections.Frozen;
using System.Globalization;

namespace Ztunnel.Config;

/// <summary>
/// Typed access to environment variables. Absent gives the default; present and not understood stops the start.
/// </summary>
internal sealed class EnvironmentReader(IReadOnlyDictionary<string, string> environment)
{
    private static readonly TimeSpan LongestTimer = TimeSpan.FromMilliseconds(int.MaxValue);

    /// <summary>The value as it is, which may be empty; null when absent.</summary>
    public string? Text(string name) => environment.GetValueOrDefault(name);

    /// <summary>The value; null when absent or empty.</summary>
    public string? NonEmpty(string name) => Text(name) is { Length: > 0 } value ? value : null;

    /// <summary>Exactly <c>true</c> or <c>false</c>.</summary>
    public bool? Bool(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        var other => throw Unexpected(name, "'true' or 'false'", other),
    };

    /// <summary>A switch that any value but <c>true</c> leaves off.</summary>
    public bool Switch(string name) => Text(name) == "true";

    public int Int(string name, int defaultValue, int minimum, int maximum) =>
        (int)(WholeNumber(name, (ulong)minimum, (ulong)maximum) ?? (ulong)defaultValue);

    public uint? UInt32(string name) => (uint?)WholeNumber(name, 0, uint.MaxValue);

    /// <summary>Decimal digits only, no sign, within both bounds.</summary>
    public ulong? WholeNumber(string name, ulong minimum = 0, ulong maximum = ulong.MaxValue)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= minimum
            && value <= maximum
                ? value
                : throw Unexpected(name, $"a whole number from {minimum} to {maximum}", text);
    }

    /// <summary>Zero or more.</summary>
    public TimeSpan? Duration(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        return HumanDuration.TryParse(text, out var value)
            ? value
            : throw Unexpected(name, "a duration such as '10s', '5m' or '1h30m'", text);
    }

    /// <summary>More than zero.</summary>
    public TimeSpan PositiveDuration(string name, TimeSpan defaultValue) => Duration(name) switch
    {
        null => defaultValue,
        { Ticks: > 0 } value => value,
        _ => throw Unexpected(name, "a duration above zero", Text(name) ?? ""),
    };

    /// <summary>More than zero, cut off at the longest that a timer can wait, 24 days.</summary>
    public TimeSpan TimeLimit(string name, TimeSpan defaultValue) => ForTimer(PositiveDuration(name, defaultValue));

    /// <summary>Cuts off what timers refuse; nobody waits long enough to see the difference.</summary>
    public static TimeSpan ForTimer(TimeSpan value) => value < LongestTimer ? value : LongestTimer;

    /// <summary>
    /// Each variable whose name starts with <paramref name="prefix"/>, by what follows it, in ordinal order.
    /// </summary>
    public IEnumerable<(string Variable, string Name, string Value)> WithPrefix(string prefix) => environment
        .Where(variable => variable.Key.StartsWith(prefix, StringComparison.Ordinal))
        .OrderBy(variable => variable.Key, StringComparer.Ordinal)
        .Select(variable => (variable.Key, variable.Key[prefix.Length..], variable.Value));

    /// <summary>This process's variables. Nothing else in the program reads them.</summary>
    public static FrozenDictionary<string, string> ProcessVariables() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToFrozenDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? "");

    /// <summary>The error for a value that is not understood.</summary>
    public static ConfigurationException Unexpected(string name, string expected, string actual) =>
        new(name, $"expected {expected}, got '{actual}'");
}
