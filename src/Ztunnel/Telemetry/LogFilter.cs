using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Telemetry;

/// <summary>
/// Which log lines are written, in the syntax of <c>RUST_LOG</c>: a comma list of <c>level</c> (for everything) and
/// <c>target=level</c>, where the longest target that a line's target starts with decides. Immutable.
/// </summary>
internal sealed class LogFilter
{
    /// <summary>
    /// Always in front. It names the reference's DNS library, which we do not have; tools show the filter to users,
    /// who compare it with what they know.
    /// </summary>
    private const string Forced = "hickory_server::server=off";

    /// <summary>Directives of a filter that callers add to: each log call looks through them.</summary>
    public const int MaxDirectives = 200;

    private static readonly string[] LevelNames = ["trace", "debug", "info", "warn", "error", "error", "off"];

    // Most specific first: longest target, the one for everything (null) last.
    private readonly Directive[] _directives;

    private LogFilter(IEnumerable<Directive> directives) =>
        _directives = [.. directives
            .OrderByDescending(directive => directive.Target?.Length ?? -1)
            .ThenByDescending(directive => directive.Target, StringComparer.Ordinal)];

    /// <summary>
    /// The filter of a process, from the value of <c>RUST_LOG</c>; without one everything from info up.
    /// </summary>
    /// <exception cref="FormatException">A directive is not understood.</exception>
    public static LogFilter FromEnvironment(string? value) =>
        Parse($"{Forced},{(string.IsNullOrWhiteSpace(value) ? "info" : value)}");

    /// <summary>Whether every directive of a text is understood.</summary>
    public static bool IsValid(string text) => TryReadDirectives(text, out _, out _);

    /// <summary>Reads a filter.</summary>
    /// <exception cref="FormatException">A directive is not understood; the message names it.</exception>
    public static LogFilter Parse(string text) =>
        TryReadDirectives(text, out var directives, out var bad)
            ? new LogFilter(directives)
            : throw new FormatException($"invalid log directive {bad}: expected level or target=level");

    /// <summary>
    /// This filter with more directives, which win over present ones of the same target. False when one is not understood, or
    /// when they become more than <see cref="MaxDirectives"/>.
    /// </summary>
    public bool TryAdd(string text, [NotNullWhen(true)] out LogFilter? filter)
    {
        filter = TryReadDirectives(text, out var added, out _)
            ? new LogFilter(_directives.Where(d => added.All(a => a.Target != d.Target)).Concat(added))
            : null;
        if (filter?._directives.Length > MaxDirectives)
        {
            filter = null;
        }

        return filter is not null;
    }

    /// <summary>The least level that is written for a target.</summary>
    public LogLevel MinimumFor(LogTarget target)
    {
        foreach (var directive in _directives)
        {
            if (directive.Target is null || target.StartsWith(directive.Target))
            {
                return directive.Minimum;
            }
        }

        return LogLevel.None;
    }

    /// <summary>The directives, most specific first.</summary>
    public override string ToString() => string.Join(',', _directives.Select(directive =>
        directive.Target is null ? NameOf(directive.Minimum) : $"{directive.Target}={NameOf(directive.Minimum)}"));

    /// <summary>The word for a level.</summary>
    public static string NameOf(LogLevel level) => LevelNames[(int)level];

    private static bool TryReadDirectives(
        string text, out List<Directive> directives, [NotNullWhen(false)] out string? bad)
    {
        directives = [];
        bad = null;
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryReadDirective(item, out var directive))
            {
                bad = item;
                return false;
            }

            directives.RemoveAll(earlier => earlier.Target == directive.Target);
            directives.Add(directive);
        }

        return true;
    }

    private static bool TryReadDirective(string item, out Directive directive)
    {
        // istioctl and our own help text write target:level; a target's own separator is a double colon.
        var equals = item.IndexOf('=', StringComparison.Ordinal);
        var separator = equals >= 0 ? equals : item.LastIndexOf(':');
        var target = separator < 0 ? null : item[..separator];
        directive = default;
        if (target is "" || target?[^1] == ':' || !TryReadLevel(item.AsSpan(separator + 1), out var minimum))
        {
            return false;
        }

        directive = new Directive(target, minimum);
        return true;
    }

    private static bool TryReadLevel(ReadOnlySpan<char> name, out LogLevel level)
    {
        for (level = LogLevel.Trace; level <= LogLevel.None; level++)
        {
            if (name.Equals(LevelNames[(int)level], StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private readonly record struct Directive(string? Target, LogLevel Minimum);
}
