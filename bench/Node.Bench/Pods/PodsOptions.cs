using System.Collections.Immutable;
using System.Globalization;

namespace Node.Bench.Pods;

/// <summary>What <c>pods</c> measures, from the command line.</summary>
internal sealed record PodsOptions
{
    public const string Usage = """
        pods: enrols pods in one proxy of a node and removes them. Needs root.

          --pods N         how many (default 500)
          --rounds N       how often they come and go (default 3)
          --binary FILE    the ztunnel binary (default $ZTUNNEL_BINARY, then artifacts/publish/ztunnel)
          --dns on|off     whether pods have a DNS proxy (default on)
          --probe on|off   whether one more pod makes a connection every 2 ms while the others leave, which takes memory (default off)
          --set NAME=VALUE one more environment variable of the proxy; may be repeated
        """;

    public int Pods { get; init; } = 500;

    public int Rounds { get; init; } = 3;

    public string Binary { get; init; } = new BenchOptions().Binary;

    public bool Dns { get; init; } = true;

    public bool Probe { get; init; }

    public ImmutableDictionary<string, string?> Environment { get; init; } = [];

    /// <exception cref="BenchException">An option is unknown or has a wrong value.</exception>
    public static PodsOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new PodsOptions();
        for (var rest = new Queue<string>(arguments); rest.TryDequeue(out var name);)
        {
            if (!rest.TryDequeue(out var value))
            {
                throw new BenchException($"{name} needs a value\n{Usage}");
            }

            options = name switch
            {
                "--pods" => options with { Pods = Number(name, value) },
                "--rounds" => options with { Rounds = Number(name, value) },
                "--binary" => options with { Binary = value },
                "--dns" => options with { Dns = Switch(name, value) },
                "--probe" => options with { Probe = Switch(name, value) },
                "--set" => options with { Environment = With(options.Environment, name, value) },
                _ => throw new BenchException($"unknown option '{name}'\n{Usage}"),
            };
        }

        return options;
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new BenchException($"{name} needs a whole number above 0, not '{value}'");

    private static bool Switch(string name, string value) => value switch
    {
        "on" => true,
        "off" => false,
        _ => throw new BenchException($"{name} needs 'on' or 'off', not '{value}'"),
    };

    private static ImmutableDictionary<string, string?> With(
        ImmutableDictionary<string, string?> environment, string name, string value) => value.Split('=', 2) is [var key, var text]
        ? environment.SetItem(key, text)
        : throw new BenchException($"{name} needs NAME=VALUE, not '{value}'");
}
