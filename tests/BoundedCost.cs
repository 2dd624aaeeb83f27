using System.Runtime.InteropServices;

#pragma warning disable IDE0130 // linked into test projects, so no folder names its namespace
namespace Fixtures;

/// <summary>
/// What something cost: bytes that were allocated and time that a processor worked, which is not time on the wall, so a
/// busy machine makes neither larger. Begins to count at once; <see cref="Pause"/> leaves out what is not to be measured.
/// </summary>
/// <remarks>
/// Limits are far above what is usual. They are there to catch what grows with the patience of an attacker, and the time
/// covers compiling the code under test.
/// </remarks>
internal sealed class BoundedCost
{
    private const int ThreadCpuClock = 3; // CLOCK_THREAD_CPUTIME_ID, clock_gettime(2)

    private readonly Func<(long Bytes, TimeSpan Cpu)> _read;
    private (long Bytes, TimeSpan Cpu) _since;
    private long _bytes;
    private TimeSpan _cpu;

    private BoundedCost(Func<(long Bytes, TimeSpan Cpu)> read)
    {
        _read = read;
        Resume();
    }

    /// <summary>Bytes allocated so far.</summary>
    public long Bytes => _bytes;

    /// <summary>Processor time so far.</summary>
    public TimeSpan Cpu => _cpu;

    /// <summary>Of the calling thread alone: exact, for what runs on it from beginning to end.</summary>
    public static BoundedCost OfThisThread() => new(static () => (GC.GetAllocatedBytesForCurrentThread(), ThreadCpu()));

    /// <summary>Of everything in this process, so for tests that run alone: see <see cref="RunsAlone"/>.</summary>
    public static BoundedCost OfThisProcess() =>
        new(static () => (GC.GetTotalAllocatedBytes(precise: true), Environment.CpuUsage.TotalTime));

    /// <summary>Counts again.</summary>
    public void Resume() => _since = _read();

    /// <summary>Counts no more.</summary>
    public void Pause()
    {
        var (bytes, cpu) = _read();
        _bytes += bytes - _since.Bytes;
        _cpu += cpu - _since.Cpu;
    }

    /// <summary>That it was at least something, or nothing was measured, and no more than this.</summary>
    public void AssertWithin(long bytes, TimeSpan cpu)
    {
        Assert.InRange(_bytes, 0, bytes);
        Assert.InRange(_cpu, TimeSpan.Zero, cpu);
        Assert.True(_cpu > TimeSpan.Zero, "nothing was measured");
    }

    private static TimeSpan ThreadCpu()
    {
        Assert.Equal(0, ClockGetTime(ThreadCpuClock, out var time));
        return TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromMicroseconds(time.Nanoseconds / 1000.0);
    }

    [DllImport("libc", EntryPoint = "clock_gettime")]
    private static extern int ClockGetTime(int clock, out TimeSpec time);

    /// <summary><c>struct timespec</c> where <c>time_t</c> and <c>long</c> have 64 bits.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct TimeSpec
    {
        public readonly long Seconds;
        public readonly long Nanoseconds;
    }
}

/// <summary>Tests of this collection run after all others, one at a time: what the process costs is what they cost.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class RunsAlone
{
    /// <summary>Name of the collection.</summary>
    public const string Name = "runs alone";
}
