using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Node.Bench.Pods;

/// <summary>Network namespaces without a name or anything but their loopback, which go with their last handle.</summary>
internal static class BareNetns
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET
    private const nuint SetFlags = 0x8914;     // SIOCSIFFLAGS, of struct ifreq: 16 bytes of name, 2 of flags, 40 in all
    private const byte Up = 1;                 // IFF_UP

    /// <summary>Makes some, on a thread that does not outlive them.</summary>
    /// <exception cref="BenchException">The right to is missing, or there are too many.</exception>
    public static SafeFileHandle[] Create(int count)
    {
        var handles = new List<SafeFileHandle>(count);
        var error = 0;
        var thread = new Thread(() =>
        {
            while (handles.Count < count)
            {
                if (Unshare(NewNetwork) != 0 || !TryRaiseLoopback())
                {
                    error = Marshal.GetLastPInvokeError();
                    return;
                }

                handles.Add(File.OpenHandle("/proc/thread-self/ns/net"));
            }
        });
        thread.Start();
        thread.Join();
        return error == 0
            ? [.. handles]
            : throw new BenchException($"cannot make network namespace {handles.Count + 1}: os error {error}");
    }

    // As in any pod: without it there is no ::1 to bind to.
    private static bool TryRaiseLoopback()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        byte[] request = [.. "lo"u8, .. new byte[14], Up, .. new byte[23]];
        return IoControl((int)socket.Handle, SetFlags, request) == 0;
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int IoControl(int descriptor, nuint command, byte[] request);

    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static extern int Unshare(int flags);
}
