using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Mesh.Scale.Load;

/// <summary>The load as a program of its own. Each line of input ends a phase and is answered by its figures.</summary>
internal static class PacedLoadCommand
{
    /// <summary>The argument that starts it; then target, connections a second, streams, address of the metrics.</summary>
    public const string Name = "paced-load";

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var load = new PacedLoad(
            IPEndPoint.Parse(arguments[0]),
            int.Parse(arguments[1], CultureInfo.InvariantCulture),
            int.Parse(arguments[2], CultureInfo.InvariantCulture));
        using var client = new HttpClient();
        var metrics = new ProxyMetrics(client, new Uri(arguments[3]));
        load.Start();
        var reading = metrics.RunAsync();
        while (await Console.In.ReadLineAsync() is not null)
        {
            if (reading.IsFaulted)
            {
                await reading;
            }

            var phase = new Phase(load.Connections.Take(), load.Trips.Take(), await metrics.TakeAsync());
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(phase));
        }

        return 0;
    }
}

/// <summary>The figures of a phase.</summary>
internal sealed record Phase(DelaySummary Connections, DelaySummary Trips, ProxyDelta Proxy);
