using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Redirection;

/// <summary>
/// Where a redirected connection was going before netfilter rewrote it: <c>SO_ORIGINAL_DST</c>, answered by connection
/// tracking (linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h).
/// </summary>
public static class OriginalDestination
{
    // The same number at the levels SOL_IP and SOL_IPV6.
    private const int SoOriginalDestination = 80;
    private const ushort FamilyOfIpv4 = 2; // AF_INET
    private const int LengthOfIpv6 = 28; // struct sockaddr_in6, the longer one

    /// <summary>
    /// Reads the destination of an accepted connection, never IPv4-mapped. IPv4 is asked first, on dual-stack sockets too.
    /// A connection that nobody tracked has its own local address as destination.
    /// </summary>
    /// <param name="accepted">The accepted socket.</param>
    /// <param name="destination">The destination; the local address when the lookup fails.</param>
    /// <param name="failure">What to warn about.</param>
    /// <returns>
    /// False when both lookups failed. Not so on a transparent socket, where the local address is the destination and
    /// falling back to it is normal.
    /// </returns>
    public static bool TryRead(
        Socket accepted, out IPEndPoint destination, [NotNullWhen(false)] out string? failure)
    {
        ArgumentNullException.ThrowIfNull(accepted);
        failure = null;
        if (TryRead(accepted, RawSocketOptions.SolIp, out destination, out var errorOfIpv4)
            || TryRead(accepted, RawSocketOptions.SolIpv6, out destination, out var errorOfIpv6))
        {
            return true;
        }

        destination = ((IPEndPoint)accepted.LocalEndPoint!).Unmapped();
        if (accepted.IsTransparent())
        {
            return true;
        }

        failure = $"failed to read SO_ORIGINAL_DST: {errorOfIpv4}, {errorOfIpv6}";
        return false;
    }

    /// <summary>Asks at one level and reads the socket address: port at 2, then the address, both in network order.</summary>
    /// <remarks>The family tells the two layouts apart; the kernel leaves the length as it was.</remarks>
    private static bool TryRead(Socket accepted, int level, out IPEndPoint destination, out OsError error)
    {
        Span<byte> address = stackalloc byte[LengthOfIpv6];
        address.Clear();
        destination = null!;
        if (!RawSocketOptions.TryGet(accepted, level, SoOriginalDestination, address, out error))
        {
            return false;
        }

        var port = BinaryPrimitives.ReadUInt16BigEndian(address[2..]);
        destination = MemoryMarshal.Read<ushort>(address) == FamilyOfIpv4
            ? new IPEndPoint(new IPAddress(address[4..8]), port)
            : new IPEndPoint(new IPAddress(address[8..24], MemoryMarshal.Read<uint>(address[24..])).Unmapped(), port);
        return true;
    }
}
