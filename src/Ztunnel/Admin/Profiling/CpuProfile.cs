namespace Ztunnel.Admin.Profiling;

/// <summary>
/// The CPU profile of <c>/debug/pprof/profile</c>: how much processor time each thread took, in our code and in the kernel.
/// </summary>
internal static class CpuProfile
{
    private const string Root = "ztunnel";

    /// <summary>Waits so long and says who took time meanwhile.</summary>
    public static async Task<byte[]> TakeAsync(TimeSpan duration, TimeProvider time, CancellationToken cancellationToken)
    {
        var (begun, before) = (time.GetUtcNow(), CpuByThread.Read());
        await Task.Delay(duration, time, cancellationToken);
        return Write(begun, duration, CpuByThread.Read().Since(before));
    }

    /// <summary>The profile of what was used.</summary>
    public static byte[] Write(DateTimeOffset begun, TimeSpan duration, CpuByThread used)
    {
        var profile = new ProfileBuilder(begun, ("cpu", "nanoseconds"));
        profile.Covers(duration, "cpu", "nanoseconds", CpuTicks.Nanoseconds);
        profile.Comment("processor time by thread as the kernel accounts for it, in steps of 10 ms; no stacks are taken");
        var rest = used.Process;
        foreach (var (id, thread) in used.Threads)
        {
            Add(thread.Name, id, thread.Ticks);
            rest -= thread.Ticks;
        }

        Add("(threads that ended)", id: 0, rest);
        return profile.ToArray();

        void Add(string name, int id, CpuTicks ticks)
        {
            AddTime(name, id, "user", ticks.User);
            AddTime(name, id, "kernel", ticks.Kernel);
        }

        void AddTime(string name, int id, string where, long ticks)
        {
            if (ticks > 0)
            {
                profile.Add([ticks * CpuTicks.Nanoseconds], [("thread", id)], Root, $"thread {name}", $"{name}, {where}");
            }
        }
    }
}
