using System.Diagnostics.CodeAnalysis;

namespace Ztunnel.Cli;

/// <summary>
/// Goes through the arguments of one command: words, <c>--flag</c>, <c>--option VALUE</c> and <c>--option=VALUE</c>.
/// </summary>
internal sealed class ArgumentReader(IReadOnlyList<string> arguments)
{
    private const string OptionPrefix = "--";

    private int _next;
    private string? _attached;

    /// <summary>The next word, or the next option without its value.</summary>
    /// <exception cref="UsageException">The option before has a value and does not take one.</exception>
    public bool TryRead([NotNullWhen(true)] out string? argument)
    {
        if (_attached is not null)
        {
            throw new UsageException($"{arguments[_next - 1].Split('=')[0]} takes no value");
        }

        argument = _next < arguments.Count ? arguments[_next++] : null;
        if (argument is not null && argument.StartsWith(OptionPrefix, StringComparison.Ordinal)
            && argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var end)
        {
            _attached = argument[(end + 1)..];
            argument = argument[..end];
        }

        return argument is not null;
    }

    /// <summary>The value of the option that was just read.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public string ReadValue(string option)
    {
        var value = _attached;
        _attached = null;
        value ??= _next < arguments.Count && !arguments[_next].StartsWith(OptionPrefix, StringComparison.Ordinal)
            ? arguments[_next++]
            : null;
        return string.IsNullOrWhiteSpace(value) ? throw new UsageException($"{option} needs a value") : value;
    }

    /// <summary>The error for an argument that the command does not have.</summary>
    public static UsageException Unexpected(string argument, string usage) =>
        new($"unexpected argument '{argument}': {usage}");
}
