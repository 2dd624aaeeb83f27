using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// One end of a Unix connection that keeps packet boundaries (<c>SOCK_SEQPACKET</c>) and on which a packet may carry
/// descriptors (<c>SCM_RIGHTS</c>, unix(7)). One reader and one writer at a time.
/// </summary>
public sealed class SeqpacketSocket : IDisposable
{
    private const int DoNotWait = 0x40;            // MSG_DONTWAIT
    private const int NoSignal = 0x4000;           // MSG_NOSIGNAL
    private const int CloseOnExec = 0x40000000;    // MSG_CMSG_CLOEXEC
    private const int PacketTruncated = 0x20;      // MSG_TRUNC
    private const int DescriptorsTruncated = 0x08; // MSG_CTRUNC
    private const int PassDescriptors = 1;         // SCM_RIGHTS
    private const int NoSuchFile = 2;              // ENOENT
    private const int TryAgain = 11;               // EAGAIN
    private const int Interrupted = 4;             // EINTR

    // struct cmsghdr: length, level, type; what follows is padded to 8 bytes, which is room for two descriptors. The kernel
    // closes those for which there is no room and says so.
    private const int ControlHeader = 16;
    private const int ControlLength = ControlHeader + (2 * sizeof(int));

    private readonly byte[] _peeked = new byte[1];

    private SeqpacketSocket(Socket socket) => Socket = socket;

    /// <summary>The socket; closed with this object.</summary>
    public Socket Socket { get; }

    /// <summary>Connects to a path.</summary>
    /// <exception cref="SocketException">Nobody listens there, or with another type of socket.</exception>
    /// <exception cref="IOException">There is nothing at the path.</exception>
    public static async ValueTask<SeqpacketSocket> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = NewSocket();
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new SeqpacketSocket(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            // What .NET makes of ENOENT; a path is never an address that is not available.
            socket.Dispose();
            throw new OsError(NoSuchFile).ToException($"cannot connect to {path}");
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Listens at a path that does not exist yet.</summary>
    /// <exception cref="SocketException">There is something at the path, or it cannot be written.</exception>
    public static Socket Listen(string path, int backlog)
    {
        var socket = NewSocket();
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            socket.Listen(backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes over a connection that a socket of <see cref="Listen"/> has accepted.</summary>
    public static SeqpacketSocket FromAccepted(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return new SeqpacketSocket(socket);
    }

    /// <summary>Waits for the next packet.</summary>
    /// <param name="buffer">Where its bytes go; what does not fit is lost and <see cref="Packet.IsTruncated"/> says so.</param>
    /// <param name="cancellationToken">Gives up; the packet stays.</param>
    /// <returns>The packet, whose descriptors are now the caller's; without bytes when the peer has closed.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="IOException">The packet cannot be read.</exception>
    public async ValueTask<Packet> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            // A packet is taken whole or not at all, so the wait must not take any of it.
            if (await Socket.ReceiveAsync(_peeked, SocketFlags.Peek, cancellationToken) == 0)
            {
                return default;
            }

            if (TryReceive(buffer.Span, out var packet))
            {
                return packet;
            }
        }
    }

    /// <summary>Sends one packet.</summary>
    /// <param name="bytes">At least one: an empty packet cannot be told from the end.</param>
    /// <param name="descriptor">Passed along; stays the caller's. Null for none.</param>
    /// <exception cref="IOException">The peer has gone, or reads too slowly.</exception>
    public unsafe void Send(ReadOnlySpan<byte> bytes, SafeHandle? descriptor = null)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytes.Length);
        var control = stackalloc byte[ControlLength];
        var added = false;
        try
        {
            fixed (byte* start = bytes)
            {
                var vector = new NativeMethods.Vector((nint)start, (nuint)bytes.Length);
                var message = new NativeMethods.MessageHeader { Vectors = (nint)(&vector), VectorCount = 1 };
                if (descriptor is not null)
                {
                    descriptor.DangerousAddRef(ref added);
                    *(nuint*)control = ControlHeader + sizeof(int);
                    ((int*)control)[2] = RawSocketOptions.SolSocket;
                    ((int*)control)[3] = PassDescriptors;
                    ((int*)control)[4] = (int)descriptor.DangerousGetHandle();
                    message.Control = (nint)control;
                    message.ControlLength = ControlLength;
                }

                while (NativeMethods.SendMessage(Socket.SafeHandle, message, NoSignal | DoNotWait) < 0)
                {
                    if (OsError.Last.Number != Interrupted)
                    {
                        throw OsError.Last.ToException("cannot send packet");
                    }
                }
            }
        }
        finally
        {
            if (added)
            {
                descriptor!.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);

    // False when there is nothing to read after all.
    private unsafe bool TryReceive(Span<byte> buffer, out Packet packet)
    {
        var control = stackalloc byte[ControlLength];
        fixed (byte* start = buffer)
        {
            var vector = new NativeMethods.Vector((nint)start, (nuint)buffer.Length);
            var message = new NativeMethods.MessageHeader
            {
                Vectors = (nint)(&vector),
                VectorCount = 1,
                Control = (nint)control,
                ControlLength = ControlLength,
            };
            var received = NativeMethods.ReceiveMessage(Socket.SafeHandle, ref message, DoNotWait | CloseOnExec);
            if (received < 0)
            {
                packet = default;
                return OsError.Last.Number is TryAgain or Interrupted
                    ? false
                    : throw OsError.Last.ToException("cannot receive packet");
            }

            packet = new Packet(
                (int)received,
                TakeDescriptors(new ReadOnlySpan<byte>(control, (int)message.ControlLength)),
                (message.Flags & (PacketTruncated | DescriptorsTruncated)) != 0);
            return true;
        }
    }

    private static SafeFileHandle[] TakeDescriptors(ReadOnlySpan<byte> control)
    {
        if (control.Length < ControlHeader
            || MemoryMarshal.Read<int>(control[8..]) != RawSocketOptions.SolSocket
            || MemoryMarshal.Read<int>(control[12..]) != PassDescriptors)
        {
            return [];
        }

        var length = (int)MemoryMarshal.Read<nuint>(control);
        var numbers = MemoryMarshal.Cast<byte, int>(control[ControlHeader..length]);
        var handles = new SafeFileHandle[numbers.Length];
        for (var i = 0; i < handles.Length; i++)
        {
            handles[i] = new SafeFileHandle(numbers[i], ownsHandle: true);
        }

        return handles;
    }
}

/// <summary>One packet of a <see cref="SeqpacketSocket"/>.</summary>
/// <param name="Length">Bytes; 0 at the end of the connection.</param>
/// <param name="Descriptors">What was passed along, at most two; the receiver's to dispose.</param>
/// <param name="IsTruncated">Bytes or descriptors did not fit and are lost.</param>
public readonly record struct Packet(int Length, IReadOnlyList<SafeFileHandle>? Descriptors, bool IsTruncated);
