using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Redirection;

namespace Ztunnel.Tests.InPod;

/// <summary>
/// A network namespace without a name, which goes when the last handle of it does. It has a loopback and nothing else.
/// </summary>
internal sealed class TestNetns : IDisposable
{
    private const int NewNetwork = 0x40000000;   // CLONE_NEWNET
    private const nuint SetInterfaceFlags = 0x8914; // SIOCSIFFLAGS
    private const byte Up = 1;                      // IFF_UP

    public TestNetns()
    {
        Assert.True(Environment.IsPrivilegedProcess, "network namespaces need root");
        Netns? made = null;
        var thread = new Thread(() =>
        {
            if (Unshare(NewNetwork) == 0)
            {
                RaiseLoopback();
                made = Netns.OpenCurrent();
                Handle = File.OpenHandle("/proc/thread-self/ns/net");
            }
        });
        thread.Start();
        thread.Join();
        Netns = made ?? throw new InvalidOperationException("cannot make a network namespace");
    }

    /// <summary>What an agent passes along.</summary>
    public SafeFileHandle Handle { get; private set; } = null!;

    public Netns Netns { get; }

    /// <summary>Those of the data path's TCP ports that are listened on, each as often as it is.</summary>
    public int[] ListeningPorts() => Netns.Run(static () =>
    {
        return File.ReadLines("/proc/thread-self/net/tcp").Concat(File.ReadLines("/proc/thread-self/net/tcp6"))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[3] == "0A") // TCP_LISTEN
            .Select(fields => int.Parse(fields[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture))
            .Where(port => port is 15001 or 15006 or 15008)
            .Order()
            .ToArray();
    });

    /// <summary>Takes a port away, without port reuse.</summary>
    public Socket Occupy(int port)
    {
        var socket = Netns.CreateTcpSocket(AddressFamily.InterNetworkV6);
        socket.DualMode = true;
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        socket.Listen(1);
        return socket;
    }

    /// <summary>Runs <c>ip</c> in it.</summary>
    public void Ip(params string[] arguments)
    {
        var path = string.Create(
            CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{Handle.DangerousGetHandle()}");
        using var process = System.Diagnostics.Process.Start("nsenter", [$"--net={path}", "ip", .. arguments]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    public void Dispose()
    {
        Handle.Dispose();
        Netns.Dispose();
    }

    private static void RaiseLoopback()
    {
        // struct ifreq: 16 bytes of name, then the flags as a short.
        Span<byte> request = stackalloc byte[40];
        request.Clear();
        "lo"u8.CopyTo(request);
        request[16] = Up;
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        if (IoControl(socket.SafeHandle, SetInterfaceFlags, ref request[0]) != 0)
        {
            throw new SocketException(Marshal.GetLastPInvokeError());
        }
    }

    [DllImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static extern int IoControl(SafeSocketHandle socket, nuint request, ref byte argument);

    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static extern int Unshare(int flags);
}
