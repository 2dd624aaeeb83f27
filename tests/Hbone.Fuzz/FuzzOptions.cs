using System.Globalization;

namespace Hbone.Fuzz;

/// <summary>What to run, from the command line.</summary>
internal sealed record FuzzOptions
{
    public const string Usage = """
        Feeds mutated input to what reads a peer's octets, and checks what comes of it. Same seed, same inputs.

          --iterations N   inputs over all targets (default 1000000)
          --seconds S      stop after so long instead
          --seed S         first number of the sequence (default 1)
          --target NAME    only hpack, frames, server or client
          --replay FILE    one recorded input, for the target given
        """;

    public long Iterations { get; init; } = 1_000_000;

    public TimeSpan? Limit { get; init; }

    public int Seed { get; init; } = 1;

    public string? Target { get; init; }

    public string? Replay { get; init; }

    /// <exception cref="FuzzOptionException">An option is unknown or has a wrong value.</exception>
    public static FuzzOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new FuzzOptions();
        for (var rest = new Queue<string>(arguments); rest.TryDequeue(out var name);)
        {
            options = name switch
            {
                "--iterations" => options with { Iterations = Number(name, rest), Limit = null },
                "--seconds" => options with
                {
                    Limit = TimeSpan.FromSeconds(Number(name, rest)),
                    Iterations = long.MaxValue,
                },
                "--seed" => options with { Seed = (int)Number(name, rest) },
                "--target" => options with { Target = Value(name, rest) },
                "--replay" => options with { Replay = Value(name, rest) },
                _ => throw new FuzzOptionException($"unknown option '{name}'"),
            };
        }

        return options.Replay is not null && options.Target is null
            ? throw new FuzzOptionException("--replay needs --target")
            : options;
    }

    private static string Value(string name, Queue<string> rest) =>
        rest.TryDequeue(out var value) ? value : throw new FuzzOptionException($"{name} needs a value");

    private static long Number(string name, Queue<string> rest)
    {
        var value = Value(name, rest);
        return long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number is > 0 and <= int.MaxValue
                ? number
                : throw new FuzzOptionException($"{name} needs a whole number above 0, not '{value}'");
    }
}

/// <summary>The command line makes no sense.</summary>
internal sealed class FuzzOptionException(string message) : Exception(message);
