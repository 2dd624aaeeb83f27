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
        """;

    public int Pods { get; init; } = 500;

    public int Rounds { get; init; } = 3;

    public string Binary { get; init; } = new BenchOptions().Binary;

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
                _ => throw new BenchException($"unknown option '{name}'\n{Usage}"),
            };
        }

        return options;
    }

    private static int Number(string name, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw new BenchException($"{name} needs a whole number above 0, not '{value}'");
}
