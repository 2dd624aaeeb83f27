using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Ztunnel.Tests.InPod;

/// <summary>Sends any packet, with any number of descriptors, as nothing of ours would.</summary>
internal static class RawPacket
{
    private const int NoSignal = 0x4000;      // MSG_NOSIGNAL
    private const int TryAgain = 11;          // EAGAIN
    private const int SocketLevel = 1;        // SOL_SOCKET
    private const int PassDescriptors = 1;    // SCM_RIGHTS
    private const int HeaderLength = 16;      // struct cmsghdr

    /// <summary>Waits for room.</summary>
    /// <exception cref="Win32Exception">The peer has closed.</exception>
    public static void Send(Socket socket, ReadOnlySpan<byte> bytes, params IReadOnlyList<SafeHandle> descriptors)
    {
        // struct msghdr on 64 bits: name, name length, vectors, their number, control, its length, flags.
        var controlLength = descriptors.Count == 0 ? 0 : HeaderLength + (sizeof(int) * descriptors.Count);
        var control = Marshal.AllocHGlobal(HeaderLength + (sizeof(int) * (descriptors.Count + 1)));
        var payload = Marshal.AllocHGlobal(bytes.Length + 1);
        var vector = Marshal.AllocHGlobal(2 * nint.Size);
        var message = Marshal.AllocHGlobal(7 * nint.Size);
        try
        {
            Marshal.Copy(bytes.ToArray(), 0, payload, bytes.Length);
            Marshal.WriteIntPtr(vector, payload);
            Marshal.WriteIntPtr(vector, nint.Size, bytes.Length);
            Marshal.WriteIntPtr(control, controlLength);
            Marshal.WriteInt32(control, 8, SocketLevel);
            Marshal.WriteInt32(control, 12, PassDescriptors);
            for (var i = 0; i < descriptors.Count; i++)
            {
                var number = (int)descriptors[i].DangerousGetHandle();
                Marshal.WriteInt32(control, HeaderLength + (sizeof(int) * i), number);
            }

            nint[] header = [0, 0, vector, 1, controlLength == 0 ? 0 : control, controlLength, 0];
            Marshal.Copy(header, 0, message, header.Length);
            while (SendMessage(socket.SafeHandle, message, NoSignal) < 0)
            {
                if (Marshal.GetLastPInvokeError() is var error and not TryAgain)
                {
                    throw new Win32Exception(error);
                }

                socket.Poll(-1, SelectMode.SelectWrite);
            }
        }
        finally
        {
            Marshal.FreeHGlobal(message);
            Marshal.FreeHGlobal(vector);
            Marshal.FreeHGlobal(payload);
            Marshal.FreeHGlobal(control);
        }
    }

    [DllImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static extern nint SendMessage(SafeSocketHandle socket, nint message, int flags);
}
