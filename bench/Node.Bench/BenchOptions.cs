using System.Globalization;

namespace Node.Bench;

/// <summary>What to measure, from the command line.</summary>
internal sealed record BenchOptions
{
    public const string Usage = """
        Compares the proxy pair with an HAProxy pair, in network namespaces on this machine. Needs root.

          --peers LIST     of direct,haproxy,ztunnel (the default), haproxy-auto,haproxy-splice,ztunnel-copy,ztunnel-splice,
                           double-hbone,double-hbone-unshared
          --passthrough    plain TCP through one proxy: --peers direct,haproxy-auto,haproxy-splice,ztunnel-copy,ztunnel-splice
          --only LIST      of memory,latency,round-trips,connections,throughput (default all)
          --rounds N       interleaved rounds (default 5)
          --seconds N      length of one measurement (default 5)
          --quick          the same as --rounds 2 --seconds 2
          --binary FILE    the ztunnel binary (default $ZTUNNEL_BINARY, then artifacts/publish/ztunnel)
          --markdown       print the tables of BENCHMARKS.md after the results
        """;

    /// <summary>Names of the peers, in the order of the first round.</summary>
    public IReadOnlyList<string> Peers { get; init; } = PeerNames.Pairs;

    /// <summary>Which groups of figures.</summary>
    public IReadOnlyList<string> Groups { get; init; } = Figure.Groups;

    public int Rounds { get; init; } = 5;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    public string Binary { get; init; } =
        Environment.GetEnvironmentVariable("ZTUNNEL_BINARY") ?? "artifacts/publish/ztunnel";

    public bool Markdown { get; init; }

    public bool Help { get; init; }

    /// <exception cref="BenchException">An option is unknown or has a wrong value.</exception>
    public static BenchOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new BenchOptions();
        for (var rest = new Queue<string>(arguments); rest.TryDequeue(out var name);)
        {
            options = name switch
            {
                "--peers" => options with { Peers = List(name, rest, PeerNames.All) },
                "--passthrough" => options with { Peers = PeerNames.Passthrough },
                "--only" => options with { Groups = List(name, rest, Figure.Groups) },
                "--rounds" => options with { Rounds = Number(name, rest) },
                "--seconds" => options with { Duration = TimeSpan.FromSeconds(Number(name, rest)) },
                "--quick" => options with { Rounds = 2, Duration = TimeSpan.FromSeconds(2) },
                "--binary" => options with { Binary = Value(name, rest) },
                "--markdown" => options with { Markdown = true },
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

    private static string[] List(string name, Queue<string> rest, IReadOnlyList<string> allowed)
    {
        var values = Value(name, rest).Split(',');
        return values.FirstOrDefault(value => !allowed.Contains(value)) is { } unknown
            ? throw new BenchException($"{name}: '{unknown}' is none of {string.Join(',', allowed)}")
            : [.. values.Distinct()];
    }
}
