using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hbone.Proxying.Splicing;

/// <summary>The system calls around pipes that .NET has no name for. Each returns -1 and sets errno on failure.</summary>
internal static partial class Native
{
    public const int NotPermitted = 1;       // EPERM
    public const int Interrupted = 4;        // EINTR
    public const int TryAgain = 11;          // EAGAIN
    public const int InvalidArgument = 22;   // EINVAL
    public const int NoSuchCall = 38;        // ENOSYS

    public const int NonBlocking = 0x800;    // O_NONBLOCK
    public const int CloseOnExec = 0x80000;  // O_CLOEXEC

    public const int SetPipeSize = 1031;     // F_SETPIPE_SZ
    public const int GetPipeSize = 1032;     // F_GETPIPE_SZ

    public const uint Move = 1;              // SPLICE_F_MOVE
    public const uint DoNotBlock = 2;        // SPLICE_F_NONBLOCK

    private const string Libc = "libc";

    /// <summary>pipe2(2): the reading end, then the writing end.</summary>
    [LibraryImport(Libc, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int MakePipe(Span<int> ends, int flags);

    /// <summary>fcntl(2). Its last argument is variadic in C, which 64-bit Linux passes like any other.</summary>
    [LibraryImport(Libc, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeFileHandle descriptor, int command, int argument);

    /// <summary>splice(2) out of a socket. Both offsets are null: neither end has one.</summary>
    [LibraryImport(Libc, EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(
        SafeSocketHandle from, nint fromOffset, SafeFileHandle to, nint toOffset, nuint length, uint flags);

    /// <summary>splice(2) into a socket.</summary>
    [LibraryImport(Libc, EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(
        SafeFileHandle from, nint fromOffset, SafeSocketHandle to, nint toOffset, nuint length, uint flags);

    /// <summary>read(2).</summary>
    [LibraryImport(Libc, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(SafeFileHandle descriptor, Span<byte> buffer, nuint length);
}
