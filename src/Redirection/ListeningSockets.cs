using System.Globalization;
using System.Net.Sockets;

namespace Redirection;

/// <summary>
/// The TCP sockets that listen in the calling thread's network namespace, of all processes (sock_diag(7)). The same is in
/// <c>/proc/net/tcp</c>, which walks through the connections of the whole machine each time it is read: milliseconds. It is
/// read where the kernel has no sock_diag, which may be a module of its own.
/// </summary>
internal static class ListeningSockets
{
    // Columns of /proc/net/tcp (proc(5)).
    private const int AddressColumn = 1;
    private const int StateColumn = 3;
    private const int InodeColumn = 9;
    private const string Listening = "0A";

    /// <summary>Inodes of those on a port, at any address of the family; one for both families counts as IPv6.</summary>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public static List<long> InodesAt(AddressFamily family, int port)
    {
        try
        {
            return AskedFor(family, port);
        }
        catch (IOException)
        {
            return Read(family, port);
        }
    }

    /// <summary>As sock_diag says.</summary>
    /// <exception cref="IOException">It does not.</exception>
    internal static List<long> AskedFor(AddressFamily family, int port) =>
        SocketDiagnosis.Ask(SocketDiagnosis.Tcp, family, SocketDiagnosis.Listening, port).ConvertAll(socket => socket.Inode);

    /// <summary>As <c>/proc/net/tcp</c> says, in which listeners come first.</summary>
    internal static List<long> Read(AddressFamily family, int port)
    {
        var suffix = string.Create(CultureInfo.InvariantCulture, $":{port:X4}");
        var file = family == AddressFamily.InterNetworkV6 ? "tcp6" : "tcp";
        return
        [
            .. File.ReadLines($"/proc/thread-self/net/{file}").Skip(1)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .TakeWhile(columns => columns.Length > InodeColumn && columns[StateColumn] == Listening)
                .Where(columns => columns[AddressColumn].EndsWith(suffix, StringComparison.Ordinal))
                .Select(columns => long.Parse(columns[InodeColumn], CultureInfo.InvariantCulture)),
        ];
    }
}
