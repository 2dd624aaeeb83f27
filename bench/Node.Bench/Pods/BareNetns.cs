using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Node.Bench.Pods;

/// <summary>Network namespaces without a name or anything in them, which go with their last handle.</summary>
internal static class BareNetns
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET

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
                if (Unshare(NewNetwork) != 0)
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

    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static extern int Unshare(int flags);
}
