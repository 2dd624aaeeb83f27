using System.Globalization;

namespace Hbone.Soak;

/// <summary>What a soak does.</summary>
/// <param name="Duration">How long peers go on; option <c>--minutes</c>.</param>
/// <param name="Peers">Peers at once, a quarter of them hostile; option <c>--peers</c>.</param>
/// <param name="Seed">Of everything random; option <c>--seed</c>.</param>
internal sealed record SoakOptions(TimeSpan Duration, int Peers, int Seed)
{
    public static SoakOptions Parse(string[] arguments)
    {
        var options = new SoakOptions(TimeSpan.FromMinutes(10), Peers: 64, Seed: 1);
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            var value = double.Parse(arguments[i + 1], CultureInfo.InvariantCulture);
            options = arguments[i] switch
            {
                "--minutes" => options with { Duration = TimeSpan.FromMinutes(value) },
                "--peers" => options with { Peers = (int)value },
                "--seed" => options with { Seed = (int)value },
                var other => throw new ArgumentException($"unknown option {other}: --minutes, --peers, --seed"),
            };
        }

        return options;
    }
}
