using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// The TCP sockets that listen in the calling thread's network namespace, of all processes (sock_diag(7)). The same is in
/// <c>/proc/net/tcp</c>, which walks through the connections of the whole machine each time it is read: milliseconds. It is
/// read where the kernel has no sock_diag, which may be a module of its own.
/// </summary>
internal static class ListeningSockets
{
    private const int Netlink = 16;              // AF_NETLINK
    private const int RawCloseOnExec = 0x80003;  // SOCK_RAW | SOCK_CLOEXEC
    private const int SocketDiagnosis = 4;       // NETLINK_SOCK_DIAG
    private const ushort ByFamily = 20;          // SOCK_DIAG_BY_FAMILY
    private const ushort RequestDump = 0x301;    // NLM_F_REQUEST | NLM_F_DUMP
    private const ushort Error = 2;              // NLMSG_ERROR
    private const ushort Done = 3;               // NLMSG_DONE
    private const uint ListenState = 1 << 10;    // TCP_LISTEN
    private const byte Inet = 2;                 // AF_INET
    private const byte Inet6 = 10;               // AF_INET6
    private const byte Tcp = 6;                  // IPPROTO_TCP

    private const int HeaderLength = 16;         // struct nlmsghdr: length, type, flags, sequence, port
    private const int RequestLength = 72;        // and struct inet_diag_req_v2
    private const int StatesAt = HeaderLength + 4;
    private const int RequestPortAt = HeaderLength + 8;
    private const int PortAt = HeaderLength + 4; // in struct inet_diag_msg
    private const int InodeAt = HeaderLength + 68;
    private const int AnswerLength = HeaderLength + 72;

    // The kernel fills what it is given, and makes datagrams of this length at most.
    private const int BufferLength = 32_768;

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
    internal static List<long> AskedFor(AddressFamily family, int port)
    {
        using var socket = Open();
        Ask(socket, family, (ushort)port);
        var inodes = new List<long>();
        var buffer = new byte[BufferLength];
        while (true)
        {
            var length = (int)NativeMethods.Receive(socket, ref buffer[0], BufferLength, flags: 0);
            if (length <= 0)
            {
                throw OsError.Last.ToException("cannot read which sockets listen");
            }

            if (TakeInodes(buffer.AsSpan(0, length), (ushort)port, inodes))
            {
                return inodes;
            }
        }
    }

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

    private static SafeFileHandle Open()
    {
        var descriptor = NativeMethods.NewSocket(Netlink, RawCloseOnExec, SocketDiagnosis);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw OsError.Last.ToException("cannot ask which sockets listen");
    }

    private static void Ask(SafeFileHandle socket, AddressFamily family, ushort port)
    {
        Span<byte> request = stackalloc byte[RequestLength];
        request.Clear();
        MemoryMarshal.Write(request, (uint)RequestLength);
        MemoryMarshal.Write(request[4..], ByFamily);
        MemoryMarshal.Write(request[6..], RequestDump);
        request[HeaderLength] = family == AddressFamily.InterNetworkV6 ? Inet6 : Inet;
        request[HeaderLength + 1] = Tcp;
        MemoryMarshal.Write(request[StatesAt..], ListenState);
        BinaryPrimitives.WriteUInt16BigEndian(request[RequestPortAt..], port);
        if (NativeMethods.Send(socket, in request[0], RequestLength, flags: 0) != RequestLength)
        {
            throw OsError.Last.ToException("cannot ask which sockets listen");
        }
    }

    /// <returns>Whether that was all.</returns>
    private static bool TakeInodes(ReadOnlySpan<byte> messages, ushort port, List<long> inodes)
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
                throw new IOException("the kernel does not say which sockets listen");
            }

            if (length >= AnswerLength && BinaryPrimitives.ReadUInt16BigEndian(messages[PortAt..]) == port)
            {
                inodes.Add(MemoryMarshal.Read<uint>(messages[InodeAt..]));
            }

            messages = messages[Math.Min((length + 3) & ~3, messages.Length)..]; // aligned to four bytes
        }

        return false;
    }
}
