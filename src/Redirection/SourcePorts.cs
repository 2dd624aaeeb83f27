using System.Globalization;

namespace Redirection;

/// <summary>
/// Local ports for connections with a preserved source. Such a connection has the addresses and the destination of the caller's own:
/// on one port, connection tracking takes one for the other, so that the caller's hangs while ours is up, or ours resets the
/// caller's. The caller's kernel gives connect(2) ports of the parity of its range's first one while it has such
/// (<c>ip_local_port_range</c>, ip(7)), and ranges begin with an even one everywhere, so here are the others.
/// </summary>
/// <param name="first">First port of the range, 1 to 65535.</param>
/// <param name="last">Last port of the range, no less than the first.</param>
internal sealed class SourcePorts(int first, int last)
{
    private const string RangeFile = "/proc/sys/net/ipv4/ip_local_port_range";

    private readonly int _count = (last - first + 1) / 2;

    /// <summary>Those of the calling thread's network namespace, both families; none when the system does not say.</summary>
    public static SourcePorts OfNamespace()
    {
        try
        {
            return Parse(File.ReadAllText(RangeFile));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new SourcePorts(1, 1);
        }
    }

    /// <summary>Reads the text of the file: two numbers.</summary>
    public static SourcePorts Parse(string text) =>
        text.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries) is [var first, var last]
        && ushort.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var low)
        && ushort.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var high)
        && low <= high
            ? new SourcePorts(low, high)
            : new SourcePorts(1, 1);

    /// <summary>Any of them; false when there are none.</summary>
    public bool TryNext(out ushort port)
    {
        port = _count == 0 ? default : (ushort)(first + 1 + (2 * Random.Shared.Next(_count)));
        return _count > 0;
    }
}
