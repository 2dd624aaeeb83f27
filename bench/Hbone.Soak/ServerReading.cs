using System.Globalization;

namespace Hbone.Soak;

/// <summary>What a process of the soak holds at one moment.</summary>
/// <param name="Resident">Resident memory of the process, in bytes.</param>
/// <param name="Heap">Of it managed objects, in bytes.</param>
/// <param name="Buffered">Payload that connections hold, in bytes.</param>
/// <param name="Peak">The most payload at once, in bytes.</param>
/// <param name="Connections">Connections that are up.</param>
/// <param name="Calmed">Connections that were ended with ENHANCE_YOUR_CALM.</param>
internal sealed record ServerReading(long Resident, long Heap, long Buffered, long Peak, long Connections, long Calmed)
{
    private const int Settles = 40;
    private static readonly TimeSpan SettleInterval = TimeSpan.FromSeconds(1);

    public static ServerReading Of(SoakServer server) => new(
        Environment.WorkingSet, GC.GetTotalMemory(false), server.Memory.Used, server.Memory.Peak, server.Memory.Connections, server.Calmed);

    /// <summary>When everybody has left, and everything that nobody refers to is gone.</summary>
    public static async Task<ServerReading> AtRestAsync(SoakServer server)
    {
        for (var i = 0; i < Settles && server.Memory is not { Used: 0, Connections: 0 }; i++)
        {
            await Task.Delay(SettleInterval);
        }

        Collect();
        return Of(server);
    }

    /// <summary>Gives back what is free, managed and native.</summary>
    public static void Collect()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    public static ServerReading Parse(string line)
    {
        var values = line.Split(' ').Select(value => long.Parse(value, CultureInfo.InvariantCulture)).ToArray();
        return values is [var resident, var heap, var buffered, var peak, var connections, var calmed]
            ? new ServerReading(resident, heap, buffered, peak, connections, calmed)
            : throw new FormatException($"not a reading of the server: {line}");
    }

    public string ToLine() => string.Create(
        CultureInfo.InvariantCulture, $"{Resident} {Heap} {Buffered} {Peak} {Connections} {Calmed}");
}
