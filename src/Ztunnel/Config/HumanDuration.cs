using System.Globalization;

namespace Ztunnel.Config;

/// <summary>
/// Durations as people write them: numbers with units, added up, as in <c>10s</c>, <c>1h30m</c>, <c>1h + 30m</c> or
/// <c>100ms</c>. A number alone is seconds.
/// </summary>
/// <remarks>
/// Units: <c>ns us µs ms s sec m min h hr d day w week</c>, singular or plural. Numbers are whole. Parts of 100 ns are
/// cut off. The grammar of the reference is that of a library and not written down; this accepts what is in use.
/// </remarks>
internal static class HumanDuration
{
    private const long Second = 1_000_000_000;

    private static readonly Int128 Longest = (Int128)TimeSpan.MaxValue.Ticks * TimeSpan.NanosecondsPerTick;

    /// <summary>
    /// False for anything else, for negative ones, and for what does not fit a <see cref="TimeSpan"/>.
    /// </summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan().Trim();
        var total = Int128.Zero;
        do
        {
            if (!TryReadPart(ref rest, out var nanoseconds) || (total += nanoseconds) > Longest)
            {
                return false;
            }
        }
        while (!rest.IsEmpty);

        duration = TimeSpan.FromTicks((long)(total / TimeSpan.NanosecondsPerTick));
        return true;
    }

    private static bool TryReadPart(ref ReadOnlySpan<char> rest, out Int128 nanoseconds)
    {
        nanoseconds = 0;
        var digits = rest.IndexOfAnyExceptInRange('0', '9') is var end and >= 0 ? rest[..end] : rest;
        if (!ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        rest = rest[digits.Length..].TrimStart();
        var length = 0;
        while (length < rest.Length && char.IsLetter(rest[length]))
        {
            length++;
        }

        if (NanosecondsOf(rest[..length]) is not { } unit)
        {
            return false;
        }

        nanoseconds = (Int128)number * unit;
        rest = rest[length..].TrimStart();
        if (rest is ['+', .. var next])
        {
            rest = next.TrimStart();
            return !rest.IsEmpty;
        }

        return true;
    }

    private static long? NanosecondsOf(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1,
        "us" or "µs" => 1_000,
        "ms" => 1_000_000,
        "" or "s" or "sec" or "secs" or "second" or "seconds" => Second,
        "m" or "min" or "mins" or "minute" or "minutes" => 60 * Second,
        "h" or "hr" or "hrs" or "hour" or "hours" => 3_600 * Second,
        "d" or "day" or "days" => 86_400 * Second,
        "w" or "week" or "weeks" => 604_800 * Second,
        _ => null,
    };
}
