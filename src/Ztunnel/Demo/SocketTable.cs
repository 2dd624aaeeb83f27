using System.Globalization;

namespace Ztunnel.Demo;

/// <summary>One row of <c>/proc/PID/net/tcp</c> or <c>tcp6</c>, as much of it as we ask about.</summary>
internal readonly record struct SocketRow(int LocalPort, int State)
{
    /// <summary><c>TCP_LISTEN</c>.</summary>
    public bool IsListening => State == 0x0A;
}

/// <summary>
/// The kernel's list of TCP sockets of a network namespace, seen through a process that is in it. proc(5).
/// </summary>
internal static class SocketTable
{
    /// <summary>Rows of both families; none if the process is gone.</summary>
    public static IEnumerable<SocketRow> OfProcess(int processId) =>
        [.. Read(processId, "tcp"), .. Read(processId, "tcp6")];

    /// <summary>
    /// Row: <c>sl: local_address:PORT rem_address:PORT st ...</c>, numbers in hexadecimal; the first line holds titles.
    /// </summary>
    internal static SocketRow Parse(string row)
    {
        var columns = row.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var port = columns[1].AsSpan(columns[1].LastIndexOf(':') + 1);
        return new SocketRow(
            int.Parse(port, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            int.Parse(columns[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private static SocketRow[] Read(int processId, string table)
    {
        try
        {
            var path = FormattableString.Invariant($"/proc/{processId}/net/{table}");
            return [.. File.ReadLines(path).Skip(1).Select(Parse)];
        }
        catch (IOException)
        {
            return [];
        }
    }
}
