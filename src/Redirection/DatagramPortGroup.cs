using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Redirection;

/// <summary>
/// Sockets that share one UDP address by <c>SO_REUSEPORT</c> (socket(7)): the kernel spreads datagrams over them, and what
/// it gave to one no other can read. Who leaves first sends the others what is still to come.
/// </summary>
public static class DatagramPortGroup
{
    /// <summary>
    /// Sends all further datagrams of the address to the socket that was bound last, when there is another one than ours.
    /// In effect for the whole group, also when ours is closed: taken off before that, it would let datagrams come to us again.
    /// A number that no member has any more spreads. Best effort: without it the kernel goes on to spread.
    /// </summary>
    /// <param name="socket">Bound, one of the group.</param>
    /// <param name="netns">Namespace of the socket; null for the caller's own.</param>
    /// <returns>Whether nothing comes to ours any more.</returns>
    public static bool TrySteerToNewest(Socket socket, Netns? netns)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var members = CountMembers((IPEndPoint)socket.LocalEndPoint!, netns);
        return members > 1 && ReusePortProgram.TryAttach(socket, (uint)(members - 1));
    }

    /// <summary>UDP sockets bound to exactly that address, of all processes; 0 if the system does not say.</summary>
    internal static int CountMembers(IPEndPoint address, Netns? netns)
    {
        try
        {
            return netns is null ? CountMembers(address) : netns.Run(() => CountMembers(address));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            return 0;
        }
    }

    /// <summary>As sock_diag(7) says, in the calling thread's namespace.</summary>
    /// <exception cref="IOException">It does not.</exception>
    internal static int AskedFor(IPEndPoint address) =>
        SocketDiagnosis.Ask(SocketDiagnosis.Udp, address.AddressFamily, SocketDiagnosis.AnyState, address.Port)
            .Count(socket => socket.Address.Equals(address.Address));

    /// <summary>
    /// As <c>/proc/net/udp</c> says (proc(5)), whose second column is address and port in hexadecimal digits, the address in
    /// words of the machine's order. Sockets that come and go between two of its pages may be missed or counted twice.
    /// </summary>
    internal static int Read(IPEndPoint address)
    {
        var file = address.AddressFamily == AddressFamily.InterNetworkV6 ? "udp6" : "udp";
        var column = ColumnOf(address);
        return File.ReadLines($"/proc/thread-self/net/{file}").Count(
            line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var local, ..] && local == column);
    }

    private static int CountMembers(IPEndPoint address)
    {
        try
        {
            return AskedFor(address);
        }
        catch (IOException)
        {
            return Read(address);
        }
    }

    private static string ColumnOf(IPEndPoint address)
    {
        var words = MemoryMarshal.Cast<byte, uint>(address.Address.GetAddressBytes());
        var text = string.Concat(words.ToArray().Select(word => word.ToString("X8", CultureInfo.InvariantCulture)));
        return string.Create(CultureInfo.InvariantCulture, $"{text}:{address.Port:X4}");
    }
}
