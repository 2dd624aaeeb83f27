using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// System calls that .NET has no name for, or whose error it translates on the way: a <see cref="SocketException"/> keeps
/// only those errno values that Winsock also knows. Each returns -1 and sets errno on failure.
/// </summary>
internal static partial class NativeMethods
{
    private const string Libc = "libc";

    /// <summary>getsockopt(2); <paramref name="length"/> is the room in and the bytes written out.</summary>
    [LibraryImport(Libc, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(
        SafeSocketHandle socket, int level, int name, ref byte value, ref uint length);

    /// <summary>setsockopt(2) with an <c>int</c>, the type of every option used here.</summary>
    [LibraryImport(Libc, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSocketOption(SafeSocketHandle socket, int level, int name, in int value, uint length);

    /// <summary>socket(2), for families that .NET does not know.</summary>
    [LibraryImport(Libc, EntryPoint = "socket", SetLastError = true)]
    public static partial int NewSocket(int family, int type, int protocol);

    /// <summary>send(2).</summary>
    [LibraryImport(Libc, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(SafeFileHandle socket, in byte bytes, nuint length, int flags);

    /// <summary>recv(2).</summary>
    [LibraryImport(Libc, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(SafeFileHandle socket, ref byte bytes, nuint length, int flags);

    /// <summary>write(2).</summary>
    [LibraryImport(Libc, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(SafeFileHandle descriptor, in byte bytes, nuint length);

    /// <summary>poll(2) of one descriptor.</summary>
    [LibraryImport(Libc, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollRequest request, nuint count, int timeout);

    /// <summary>signal(2) for handlers that are no functions, such as <c>SIG_IGN</c>.</summary>
    [LibraryImport(Libc, EntryPoint = "signal", SetLastError = true)]
    public static partial nint SetSignalHandler(int signal, nint handler);

    /// <summary>mallopt(3): 1 on success.</summary>
    [LibraryImport(Libc, EntryPoint = "mallopt")]
    public static partial int SetHeapOption(int option, int value);

    /// <summary>malloc_trim(3): 1 if anything was given back.</summary>
    [LibraryImport(Libc, EntryPoint = "malloc_trim")]
    public static partial int TrimHeap(nuint keep);

    /// <summary>open(2) without a mode, for files that exist.</summary>
    [LibraryImport(Libc, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    /// <summary>openat(2). Its last argument is variadic in C, which 64-bit Linux passes like any other.</summary>
    [LibraryImport(Libc, EntryPoint = "openat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int OpenAt(SafeFileHandle directory, string path, int flags, uint mode);

    /// <summary>renameat(2).</summary>
    [LibraryImport(Libc, EntryPoint = "renameat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RenameAt(SafeFileHandle directory, string path, SafeFileHandle newDirectory, string newPath);

    /// <summary>unlinkat(2).</summary>
    [LibraryImport(Libc, EntryPoint = "unlinkat", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int UnlinkAt(SafeFileHandle directory, string path, int flags);

    /// <summary>fsync(2), also of a directory, which .NET does not open.</summary>
    [LibraryImport(Libc, EntryPoint = "fsync", SetLastError = true)]
    public static partial int Synchronize(SafeFileHandle descriptor);

    /// <summary>flock(2).</summary>
    [LibraryImport(Libc, EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(SafeFileHandle descriptor, int operation);

    /// <summary>geteuid(2), which cannot fail.</summary>
    [LibraryImport(Libc, EntryPoint = "geteuid")]
    public static partial uint EffectiveUser();

    /// <summary>setns(2), for the calling thread only.</summary>
    [LibraryImport(Libc, EntryPoint = "setns", SetLastError = true)]
    public static partial int SetNamespace(int descriptor, int type);

    /// <summary>ioctl(2) for requests without argument, such as <c>NS_GET_NSTYPE</c> (ioctl_nsfs(2)).</summary>
    [LibraryImport(Libc, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(SafeFileHandle descriptor, nuint request);

    /// <summary>statx(2). Unlike <c>struct stat</c>, its result has one layout on all architectures.</summary>
    [LibraryImport(Libc, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ExtendedStatus(
        SafeFileHandle directory, string path, int flags, uint mask, ref byte status);

    /// <summary>getrlimit(2).</summary>
    [LibraryImport(Libc, EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetResourceLimit(int resource, out ResourceLimit limit);

    /// <summary>setrlimit(2).</summary>
    [LibraryImport(Libc, EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetResourceLimit(int resource, in ResourceLimit limit);

    /// <summary>recvmsg(2).</summary>
    [LibraryImport(Libc, EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(SafeSocketHandle socket, ref MessageHeader message, int flags);

    /// <summary>sendmsg(2).</summary>
    [LibraryImport(Libc, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(SafeSocketHandle socket, in MessageHeader message, int flags);

    /// <summary><c>struct iovec</c>.</summary>
    /// <param name="Start">Address of the bytes.</param>
    /// <param name="Length">Bytes.</param>
    public readonly record struct Vector(nint Start, nuint Length);

    /// <summary><c>struct msghdr</c> of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        /// <summary>Address of the peer; none on connections.</summary>
        public nint Name;

        /// <summary>Its length; four bytes of padding follow.</summary>
        public uint NameLength;

        /// <summary>The parts of the packet.</summary>
        public nint Vectors;

        /// <summary>How many.</summary>
        public nuint VectorCount;

        /// <summary>Ancillary data (cmsg(3)).</summary>
        public nint Control;

        /// <summary>Room for it, then what was written.</summary>
        public nuint ControlLength;

        /// <summary>What recvmsg has to say about the packet.</summary>
        public int Flags;
    }

    /// <summary><c>struct rlimit</c> of 64-bit Linux.</summary>
    /// <param name="Soft">What is enforced.</param>
    /// <param name="Hard">What the soft limit may be raised to.</param>
    public readonly record struct ResourceLimit(ulong Soft, ulong Hard);
}
