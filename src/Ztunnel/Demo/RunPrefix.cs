using System.Globalization;

namespace Ztunnel.Demo;

/// <summary>
/// Marks what one topology made: every namespace is called <c>zt{pid}-{start}-{sequence}-{name}</c>, every temporary
/// folder starts so.
/// </summary>
/// <param name="ProcessId">The process that made it.</param>
/// <param name="StartTicks">When that process started (proc(5) <c>stat</c>, field 22), because process ids come
/// back.</param>
/// <param name="Sequence">Which topology of that process.</param>
internal readonly record struct RunPrefix(int ProcessId, long StartTicks, int Sequence)
{
    private static int _topologies;

    /// <summary>Whether the process that made it is still there, and therefore cleans up itself.</summary>
    public bool OwnerIsAlive => ReadStartTicks(ProcessId) == StartTicks;

    /// <summary>The prefix of this process's next topology.</summary>
    public static RunPrefix Next() => new(
        System.Environment.ProcessId,
        ReadStartTicks(System.Environment.ProcessId) ?? throw new CommandException("/proc is not mounted"),
        Interlocked.Increment(ref _topologies));

    /// <summary>Reads the prefix of a namespace or folder name.</summary>
    public static bool TryParse(string name, out RunPrefix prefix)
    {
        prefix = default;
        if (!name.StartsWith("zt", StringComparison.Ordinal)
            || name[2..].Split('-', 4) is not [var id, var start, var sequence, _])
        {
            return false;
        }

        if (TryHex(id, out var processId) && TryHex(start, out var startTicks) && TryHex(sequence, out var number)
            && processId <= int.MaxValue && number <= int.MaxValue)
        {
            prefix = new RunPrefix((int)processId, startTicks, (int)number);
            return true;
        }

        return false;
    }

    /// <summary>The name of a namespace of this topology.</summary>
    public string Name(string name) => FormattableString.Invariant($"{this}-{name}");

    /// <inheritdoc/>
    public override string ToString() =>
        FormattableString.Invariant($"zt{ProcessId:x}-{StartTicks:x}-{Sequence:x}");

    private static bool TryHex(string digits, out long value) =>
        long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && value >= 0;

    private static long? ReadStartTicks(int processId)
    {
        try
        {
            var stat = File.ReadAllText(FormattableString.Invariant($"/proc/{processId}/stat"));

            // Field 2 is the command in parentheses and may hold anything, so count from its end: field 3 is the first
            // after it.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return long.Parse(fields[22 - 3], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
