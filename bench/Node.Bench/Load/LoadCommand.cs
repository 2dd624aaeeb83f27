using System.Text.Json;

namespace Node.Bench.Load;

/// <summary>A load client in the source pod: one kind of load, one line of JSON on standard output.</summary>
internal static class LoadCommand
{
    /// <summary>The argument that starts it.</summary>
    public const string Command = "load";

    public const string ProbeKind = "probe";
    public const string LatencyKind = "latency";
    public const string RoundTripsKind = "round-trips";
    public const string ConnectionsKind = "connections";
    public const string IdleKind = "idle";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var options = LoadOptions.Parse(arguments);
        try
        {
            Print(options.Kind switch
            {
                ProbeKind => Probe.Run(options),
                LatencyKind => LatencyLoad.Run(options),
                RoundTripsKind => await RoundTripLoad.RunAsync(options),
                ConnectionsKind => ConnectionLoad.Run(options),
                IdleKind => IdleLoad.Run(options),
                _ => throw new ArgumentException($"unknown load '{options.Kind}'"),
            });
            return 0;
        }
        catch (Exception e) when (Failures.Concerns(e) || e is AggregateException)
        {
            Console.Error.WriteLine($"{options.Kind} to {options.Target}: {e.Message}");
            return 1;
        }
    }

    internal static void Print(LoadResult result) => Console.Out.WriteLine(JsonSerializer.Serialize(result));
}
