using System.Globalization;
using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>What processes have used so far, from proc(5).</summary>
internal static class ProcessUsage
{
    /// <summary>USER_HZ, which is 100 in the ABI of every architecture we run on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>CPU time of all threads, user and system, in seconds; those that have ended are included.</summary>
    /// <exception cref="BenchException">A process has ended.</exception>
    public static double CpuSeconds(IEnumerable<ChildProcess> processes) => processes.Sum(process =>
    {
        // Field 2 is the command in parentheses and may hold anything: field 3 is the first after it.
        var stat = Read(process, "stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (Parse(fields[14 - 3]) + Parse(fields[15 - 3])) / TicksPerSecond;
    });

    /// <summary><c>VmRSS</c> in bytes.</summary>
    /// <exception cref="BenchException">The process has ended.</exception>
    public static double ResidentBytes(ChildProcess process) => Bytes(process, "VmRSS:");

    /// <summary><c>VmHWM</c> in bytes: the most that was ever resident.</summary>
    /// <exception cref="BenchException">The process has ended.</exception>
    public static double PeakResidentBytes(ChildProcess process) => Bytes(process, "VmHWM:");

    /// <summary>
    /// <c>Private_Dirty</c> in bytes: what the process has written, so no page of its file or of libraries that can be dropped.
    /// </summary>
    /// <exception cref="BenchException">The process has ended.</exception>
    public static double PrivateBytes(ChildProcess process) => Bytes(process, "Private_Dirty:", "smaps_rollup");

    private static double Bytes(ChildProcess process, string label, string file = "status")
    {
        var line = Read(process, file).Split('\n')
            .FirstOrDefault(line => line.StartsWith(label, StringComparison.Ordinal))
            ?? throw new BenchException($"process {process.Id} has ended");
        return Parse(line[label.Length..].Replace("kB", "", StringComparison.Ordinal)) * 1024;
    }

    private static string Read(ChildProcess process, string file)
    {
        try
        {
            return File.ReadAllText(FormattableString.Invariant($"/proc/{process.Id}/{file}"));
        }
        catch (IOException e)
        {
            throw new BenchException($"process {process.Id} has ended", e);
        }
    }

    private static double Parse(string number) => double.Parse(number, CultureInfo.InvariantCulture);
}
