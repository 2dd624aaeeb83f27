using System.Globalization;

namespace Ztunnel.Admin.Profiling;

/// <summary>
/// Processor time of this process so far, thread by thread, as the kernel accounts for it (proc_pid_stat(5)). A compiled
/// program has nobody who could read the stacks of its threads, but what threads do is in their names.
/// </summary>
/// <param name="Threads">By thread id.</param>
/// <param name="Process">All threads, those that have ended included.</param>
internal sealed record CpuByThread(IReadOnlyDictionary<int, ThreadCpu> Threads, CpuTicks Process)
{
    private const string ThreadsFolder = "/proc/self/task";

    /// <summary>Reads it.</summary>
    /// <exception cref="IOException">There is no /proc.</exception>
    public static CpuByThread Read()
    {
        var threads = new Dictionary<int, ThreadCpu>();
        foreach (var folder in Directory.EnumerateDirectories(ThreadsFolder))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && TryRead(folder) is { } thread)
            {
                threads[id] = thread;
            }
        }

        // After the threads, so that it holds all of their time.
        return new CpuByThread(threads, Parse(File.ReadAllText("/proc/self/stat")).Ticks);
    }

    /// <summary>What was used since an earlier reading. Threads that began meanwhile count from zero.</summary>
    public CpuByThread Since(CpuByThread earlier)
    {
        var threads = new Dictionary<int, ThreadCpu>();
        foreach (var (id, thread) in Threads)
        {
            var before = earlier.Threads.GetValueOrDefault(id)?.Ticks ?? default;
            threads[id] = thread with { Ticks = thread.Ticks - before };
        }

        return new CpuByThread(threads, Process - earlier.Process);
    }

    /// <summary>Reads a line such as <c>7 (name) S 1 ...</c>; the name may hold spaces and parentheses.</summary>
    /// <exception cref="FormatException">It is something else.</exception>
    public static ThreadCpu Parse(string line)
    {
        const int UserField = 11; // utime and stime are fields 14 and 15, the state, which follows the name, is 3
        var (start, end) = (line.IndexOf('(', StringComparison.Ordinal), line.LastIndexOf(')'));
        var fields = end < 0 ? [] : line[(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return start >= 0 && start < end && fields.Length > UserField + 1
            && long.TryParse(fields[UserField], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            && long.TryParse(fields[UserField + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var kernel)
                ? new ThreadCpu(line[(start + 1)..end], new CpuTicks(user, kernel))
                : throw new FormatException($"not a line of /proc/PID/stat: {line}");
    }

    private static ThreadCpu? TryRead(string folder)
    {
        try
        {
            return Parse(File.ReadAllText(Path.Combine(folder, "stat")));
        }
        catch (IOException)
        {
            return null; // it ended meanwhile
        }
    }
}

/// <summary>One thread.</summary>
/// <param name="Name">At most 15 characters, the kernel's limit.</param>
/// <param name="Ticks">Its time.</param>
internal sealed record ThreadCpu(string Name, CpuTicks Ticks);

/// <summary>Time in units of 10 ms: USER_HZ, which is 100 wherever .NET runs on Linux.</summary>
/// <param name="User">In our own code.</param>
/// <param name="Kernel">In system calls.</param>
internal readonly record struct CpuTicks(long User, long Kernel)
{
    /// <summary>Length of one.</summary>
    public const long Nanoseconds = 10_000_000;

    public static CpuTicks operator +(CpuTicks a, CpuTicks b) => new(a.User + b.User, a.Kernel + b.Kernel);

    public static CpuTicks operator -(CpuTicks a, CpuTicks b) =>
        new(Math.Max(0, a.User - b.User), Math.Max(0, a.Kernel - b.Kernel));
}
