using System.Globalization;
using System.Net;

namespace Node.Bench.Load;

/// <summary>What a load client is told to do, by its command line.</summary>
/// <param name="Kind">One of the names in <see cref="LoadCommand"/>.</param>
/// <param name="Target">Where to connect.</param>
/// <param name="Connections">How many connections at a time.</param>
/// <param name="PayloadBytes">Sent and expected back in one round trip.</param>
/// <param name="Duration">What is measured, after <see cref="WarmUp"/>; for a probe the time limit.</param>
internal sealed record LoadOptions(
    string Kind, IPEndPoint Target, int Connections, int PayloadBytes, TimeSpan Duration)
{
    /// <summary>Runs before the measured time: our own code is compiled, the tunnel is up, windows are open.</summary>
    public static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(300);

    public static LoadOptions Parse(IReadOnlyList<string> arguments) => new(
        arguments[0],
        IPEndPoint.Parse(arguments[1]),
        int.Parse(arguments[2], CultureInfo.InvariantCulture),
        int.Parse(arguments[3], CultureInfo.InvariantCulture),
        TimeSpan.FromSeconds(double.Parse(arguments[4], CultureInfo.InvariantCulture)));

    /// <summary>What <see cref="Parse"/> reads.</summary>
    public IReadOnlyList<string> ToArguments() =>
    [
        Kind,
        Target.ToString(),
        Connections.ToString(CultureInfo.InvariantCulture),
        PayloadBytes.ToString(CultureInfo.InvariantCulture),
        Duration.TotalSeconds.ToString(CultureInfo.InvariantCulture),
    ];
}
