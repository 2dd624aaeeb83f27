using System.Globalization;
using Node.Bench;

namespace Mesh.Scale;

/// <summary>What to measure, from the command line.</summary>
internal sealed record ScaleOptions
{
    public const string Usage = """
        The proxy while its control plane sends a large mesh, changes it, sends it again and removes it. Needs root.

          --workloads N    (default 100000)
          --services N     (default 5000)
          --policies N     (default 2000)
          --churn N        seconds of 1,000 updates each (default 30)
          --settle N       seconds of rest before memory is read (default 10)
          --binary FILE    the ztunnel binary (default $ZTUNNEL_BINARY, then artifacts/publish/ztunnel)
          --env NAME=VALUE further environment of the proxy that is measured; may be repeated
        """;

    public MeshSize Size { get; init; } = new(100_000, 5_000, 2_000);

    public int ChurnSeconds { get; init; } = 30;

    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(10);

    public string Binary { get; init; } =
        Environment.GetEnvironmentVariable("ZTUNNEL_BINARY") ?? "artifacts/publish/ztunnel";

    public IReadOnlyList<(string Name, string Value)> Variables { get; init; } = [];

    public bool Help { get; init; }

    /// <exception cref="BenchException">An option is unknown or has a wrong value.</exception>
    public static ScaleOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new ScaleOptions();
        for (var rest = new Queue<string>(arguments); rest.TryDequeue(out var name);)
        {
            options = name switch
            {
                "--workloads" => options with { Size = options.Size with { Workloads = Number(name, rest) } },
                "--services" => options with { Size = options.Size with { Services = Number(name, rest) } },
                "--policies" => options with { Size = options.Size with { Policies = Number(name, rest) } },
                "--churn" => options with { ChurnSeconds = Number(name, rest) },
                "--settle" => options with { Settle = TimeSpan.FromSeconds(Number(name, rest)) },
                "--binary" => options with { Binary = Value(name, rest) },
                "--env" => options with { Variables = [.. options.Variables, Variable(Value(name, rest))] },
                "--help" or "-h" => options with { Help = true },
                _ => throw new BenchException($"unknown option '{name}'\n{Usage}"),
            };
        }

        return options;
    }

    private static string Value(string name, Queue<string> rest) =>
        rest.TryDequeue(out var value) ? value : throw new BenchException($"{name} needs a value");

    private static int Number(string name, Queue<string> rest)
    {
        var value = Value(name, rest);
        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new BenchException($"{name} needs a whole number above 0, not '{value}'");
    }

    private static (string Name, string Value) Variable(string text) =>
        text.Split('=', 2) is [{ Length: > 0 } name, var value]
            ? (name, value)
            : throw new BenchException($"--env needs NAME=VALUE, not '{text}'");
}
