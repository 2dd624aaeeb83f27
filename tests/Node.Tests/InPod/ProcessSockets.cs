using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Ztunnel.Demo;

namespace Node.Tests.InPod;

/// <summary>The TCP sockets that a process has in a namespace, themselves: their options can be read (pidfd_getfd(2)).</summary>
internal static class ProcessSockets
{
    private const int PidfdOpen = 434;  // SYS_pidfd_open
    private const int PidfdGetfd = 438; // SYS_pidfd_getfd

    /// <summary>A duplicate of each, to be disposed, found among those that <c>ss</c> lists.</summary>
    /// <param name="process">Whose they are.</param>
    /// <param name="network">Where they are.</param>
    /// <param name="filter">What <c>ss</c> is to list, such as <c>state listening sport = 15001</c>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<IReadOnlyList<Socket>> OfAsync(
        ChildProcess process, NetworkNamespace network, string filter, CancellationToken cancellationToken)
    {
        var spec = new ProcessSpec(["ss", "-Htnae", .. filter.Split(' ')]);
        var inodes = (await network.RunAsync(spec, cancellationToken)).Succeeded().Output.Split([' ', '\n', '\t'])
            .Where(word => word.StartsWith("ino:", StringComparison.Ordinal))
            .Select(word => $"socket:[{word["ino:".Length..]}]")
            .ToHashSet();
        var folder = FormattableString.Invariant($"/proc/{process.Id}/fd");
        List<Socket> sockets = [];
        foreach (var path in Directory.EnumerateFileSystemEntries(folder))
        {
            if (LinkOf(path) is { } link && inodes.Contains(link))
            {
                sockets.Add(Duplicate(process.Id, int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)));
            }
        }

        return sockets;
    }

    /// <summary>An option of a whole number.</summary>
    public static int Option(this Socket socket, int level, int name)
    {
        var value = new byte[sizeof(int)];
        socket.GetRawSocketOption(level, name, value);
        return BitConverter.ToInt32(value);
    }

    private static string? LinkOf(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (IOException)
        {
            return null; // closed meanwhile
        }
    }

    private static Socket Duplicate(int processId, int descriptor)
    {
        var process = SystemCall(PidfdOpen, processId, 0, 0);
        Assert.True(process >= 0, $"pidfd_open: {Marshal.GetLastPInvokeErrorMessage()}");
        using var handle = new SafeFileHandle(process, ownsHandle: true);
        var copy = SystemCall(PidfdGetfd, process, descriptor, 0);
        Assert.True(copy >= 0, $"pidfd_getfd: {Marshal.GetLastPInvokeErrorMessage()}");
        return new Socket(new SafeSocketHandle(copy, ownsHandle: true));
    }

    [DllImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static extern nint SystemCall(nint number, nint first, nint second, nint third);
}
