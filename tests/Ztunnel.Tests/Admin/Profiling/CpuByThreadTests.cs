using Ztunnel.Admin.Profiling;

namespace Ztunnel.Tests.Admin.Profiling;

public sealed class CpuByThreadTests
{
    private const string Rest = " S 1 2 3 0 -1 4194304 10 0 0 0 250 75 0 0 20 0 9 0 100 200 300";

    [Theory]
    [InlineData("log", "log")]
    [InlineData(".NET TP Worker", ".NET TP Worker")]
    [InlineData("a) R (b", "a) R (b")]
    [InlineData("", "")]
    public void Parse_NameOfAnyKind_TakesTheTimes(string name, string expected) =>
        Assert.Equal(new ThreadCpu(expected, new CpuTicks(250, 75)), CpuByThread.Parse($"7 ({name}){Rest}\n"));

    [Theory]
    [InlineData("")]
    [InlineData("7 (log")]
    [InlineData("7 log) S 1 2 3")]
    [InlineData(")7 (")]
    [InlineData("7 (log) S 1 2 3 0 -1 4194304 10 0 0 0 250")]
    [InlineData("7 (log) S 1 2 3 0 -1 4194304 10 0 0 0 250 -3 0")]
    [InlineData("7 (log) S 1 2 3 0 -1 4194304 10 0 0 0 99999999999999999999 75 0")]
    public void Parse_SomethingElse_IsAnError(string line) =>
        Assert.Contains(line, Assert.Throws<FormatException>(() => CpuByThread.Parse(line)).Message, StringComparison.Ordinal);

    [Fact]
    public void Since_CountsNewThreadsFromZeroAndForgetsThoseThatEnded()
    {
        var before = Reading(new(100, 10), (1, "main", 60, 5), (2, "gone", 30, 5), (3, "reused", 9, 0));
        var after = Reading(new(190, 30), (1, "main", 90, 15), (3, "reused", 4, 0), (4, "new", 20, 1));

        var used = after.Since(before);

        Assert.Equal(new CpuTicks(90, 20), used.Process);
        Assert.Equal(
            [(1, new CpuTicks(30, 10)), (3, new CpuTicks(0, 0)), (4, new CpuTicks(20, 1))],
            used.Threads.OrderBy(thread => thread.Key).Select(thread => (thread.Key, thread.Value.Ticks)));
    }

    [Fact]
    public void Read_ThisProcess_HasThisThread()
    {
        var name = File.ReadAllText("/proc/thread-self/comm").Trim();

        var read = CpuByThread.Read();

        Assert.Contains(read.Threads.Values, thread => thread.Name == name);
        var sum = read.Threads.Values.Aggregate(default(CpuTicks), (ticks, thread) => ticks + thread.Ticks);
        Assert.True(read.Process.User >= 0 && sum.User >= 0 && read.Process.User + read.Process.Kernel > 0);
    }

    internal static CpuByThread Reading(CpuTicks process, params (int Id, string Name, long User, long Kernel)[] threads) =>
        new(threads.ToDictionary(
            thread => thread.Id, thread => new ThreadCpu(thread.Name, new CpuTicks(thread.User, thread.Kernel))), process);
}
