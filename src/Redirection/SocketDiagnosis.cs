using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// Asks the kernel for the sockets of the calling thread's network namespace, of all processes (sock_diag(7)). One dump is
/// consistent in itself, unlike the pages of <c>/proc/net</c>; the kernel's part for a protocol may be a module that is missing.
/// </summary>
internal static class SocketDiagnosis
{
    /// <summary><c>IPPROTO_TCP</c>.</summary>
    public const byte Tcp = 6;

    /// <summary><c>IPPROTO_UDP</c>.</summary>
    public const byte Udp = 17;

    /// <summary>Listening TCP sockets, <c>TCP_LISTEN</c> of a mask of states.</summary>
    public const uint Listening = 1 << 10;

    /// <summary>Sockets in whatever state.</summary>
    public const uint AnyState = uint.MaxValue;

    private const int Netlink = 16;              // AF_NETLINK
    private const int RawCloseOnExec = 0x80003;  // SOCK_RAW | SOCK_CLOEXEC
    private const int Protocol = 4;              // NETLINK_SOCK_DIAG
    private const ushort ByFamily = 20;          // SOCK_DIAG_BY_FAMILY
    private const ushort RequestDump = 0x301;    // NLM_F_REQUEST | NLM_F_DUMP
    private const ushort Error = 2;              // NLMSG_ERROR
    private const ushort Done = 3;               // NLMSG_DONE
    private const byte Inet = 2;                 // AF_INET
    private const byte Inet6 = 10;               // AF_INET6

    private const int HeaderLength = 16;         // struct nlmsghdr: length, type, flags, sequence, port
    private const int RequestLength = 72;        // and struct inet_diag_req_v2
    private const int StatesAt = HeaderLength + 4;
    private const int RequestPortAt = HeaderLength + 8;
    private const int PortAt = HeaderLength + 4; // in struct inet_diag_msg
    private const int AddressAt = HeaderLength + 8;
    private const int InodeAt = HeaderLength + 68;
    private const int AnswerLength = HeaderLength + 72;

    // The kernel fills what it is given, and makes datagrams of this length at most.
    private const int BufferLength = 32_768;

    /// <summary>The sockets on a local port, at any address of the family; one for both families counts as IPv6.</summary>
    /// <param name="protocol"><see cref="Tcp"/> or <see cref="Udp"/>.</param>
    /// <param name="family">IPv4 or IPv6.</param>
    /// <param name="states">Mask of the states that are wanted.</param>
    /// <param name="port">1 to 65535.</param>
    /// <exception cref="IOException">The kernel does not say.</exception>
    public static List<BoundSocket> Ask(byte protocol, AddressFamily family, uint states, int port)
    {
        using var socket = Open();
        Send(socket, protocol, family, states, (ushort)port);
        var sockets = new List<BoundSocket>();
        var buffer = new byte[BufferLength];
        while (true)
        {
            var length = (int)NativeMethods.Receive(socket, ref buffer[0], BufferLength, flags: 0);
            if (length <= 0)
            {
                throw OsError.Last.ToException("cannot read which sockets there are");
            }

            if (Take(buffer.AsSpan(0, length), (ushort)port, sockets))
            {
                return sockets;
            }
        }
    }

    private static SafeFileHandle Open()
    {
        var descriptor = NativeMethods.NewSocket(Netlink, RawCloseOnExec, Protocol);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw OsError.Last.ToException("cannot ask which sockets there are");
    }

    private static void Send(SafeFileHandle socket, byte protocol, AddressFamily family, uint states, ushort port)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        MemoryMarshal.Write(request, (uint)RequestLength);
        MemoryMarshal.Write(request[4..], ByFamily);
        MemoryMarshal.Write(request[6..], RequestDump);
        request[HeaderLength] = family == AddressFamily.InterNetworkV6 ? Inet6 : Inet;
        request[HeaderLength + 1] = protocol;
        MemoryMarshal.Write(request[StatesAt..], states);
        BinaryPrimitives.WriteUInt16BigEndian(request[RequestPortAt..], port);
        if (NativeMethods.Send(socket, in request[0], RequestLength, flags: 0) != RequestLength)
        {
            throw OsError.Last.ToException("cannot ask which sockets there are");
        }
    }

    /// <returns>Whether that was all.</returns>
    private static bool Take(ReadOnlySpan<byte> messages, ushort port, List<BoundSocket> sockets)
    {
        while (messages.Length >= HeaderLength)
        {
            var length = (int)MemoryMarshal.Read<uint>(messages);
            var type = MemoryMarshal.Read<ushort>(messages[4..]);
            if (type == Done)
            {
                return true;
            }

            if (type == Error || length < HeaderLength || length > messages.Length)
            {
                throw new IOException("the kernel does not say which sockets there are");
            }

            if (length >= AnswerLength && BinaryPrimitives.ReadUInt16BigEndian(messages[PortAt..]) == port)
            {
                var size = messages[HeaderLength] == Inet6 ? 16 : 4;
                sockets.Add(new BoundSocket(
                    new IPAddress(messages.Slice(AddressAt, size)), MemoryMarshal.Read<uint>(messages[InodeAt..])));
            }

            messages = messages[Math.Min((length + 3) & ~3, messages.Length)..]; // aligned to four bytes
        }

        return false;
    }
}
