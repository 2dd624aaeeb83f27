using System.Globalization;
using Hbone.Memory;

namespace Ztunnel.Admin.Profiling;

/// <summary>What the memory of this process is, in bytes.</summary>
internal sealed record MemoryUse
{
    private const string StatusPath = "/proc/self/status";
    private static readonly string[] PartNames = ["generation 0", "generation 1", "generation 2", "large objects", "pinned objects"];

    /// <summary>Parts of the managed heap after the last collection, by name.</summary>
    public required IReadOnlyList<(string Name, long Bytes)> Heap { get; init; }

    /// <summary>What the heap holds of the system's memory besides these.</summary>
    public required long HeapFree { get; init; }

    /// <summary>Anonymous memory that is not the heap's: OpenSSL, stacks, the runtime.</summary>
    public required long Native { get; init; }

    /// <summary>Resident pages of the program and its libraries.</summary>
    public required long Files { get; init; }

    /// <summary>Payload in buffers of connections, which are managed objects and so counted above already.</summary>
    public required long Buffered { get; init; }

    /// <summary>Reads it.</summary>
    /// <param name="buffers">Budget of the process.</param>
    public static MemoryUse Read(MemoryBudget buffers)
    {
        var info = GC.GetGCMemoryInfo(GCKind.Any);
        var heap = new List<(string, long)>();
        var sum = 0L;
        for (var i = 0; i < Math.Min(info.GenerationInfo.Length, PartNames.Length); i++)
        {
            heap.Add((PartNames[i], info.GenerationInfo[i].SizeAfterBytes));
            sum += info.GenerationInfo[i].SizeAfterBytes;
        }

        var status = File.ReadAllText(StatusPath);
        return new MemoryUse
        {
            Heap = heap,
            HeapFree = Math.Max(0, info.TotalCommittedBytes - sum),
            Native = Math.Max(0, KilobytesIn(status, "RssAnon") - Math.Max(info.TotalCommittedBytes, sum)),
            Files = KilobytesIn(status, "RssFile"),
            Buffered = buffers.Used,
        };
    }

    /// <summary>Bytes that a line such as <c>RssAnon:   1234 kB</c> names; 0 when it is not there.</summary>
    public static long KilobytesIn(string status, string name)
    {
        foreach (var line in status.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':')
            {
                var value = line[(name.Length + 1)..].Trim();
                var end = value.IndexOf(' ');
                return long.TryParse(
                    end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes)
                        ? kilobytes * 1024
                        : 0;
            }
        }

        return 0;
    }
}
