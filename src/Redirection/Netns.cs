using System.Globalization;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>A handle of one network namespace, keeping it alive (setns(2), namespaces(7)).</summary>
public sealed class Netns : IDisposable
{
    private const int CloneNewNet = 0x40000000;
    private const int ReadOnlyCloseOnExec = 0x80000; // O_RDONLY | O_CLOEXEC
    private const nuint GetNamespaceType = 0xb703;   // NS_GET_NSTYPE

    // The leader's namespace is the proxy's own: no thread of ours stays in another one.
    private static readonly Lazy<Netns> Own = new(() => Open("/proc/self/ns/net"));

    // The namespace this thread is in because of Run; null outside of it. Lets Run nest.
    [ThreadStatic]
    private static Netns? _entered;

    private readonly SafeFileHandle _handle;

    private Netns(SafeFileHandle handle, string name)
    {
        _handle = handle;
        Name = name;
        Identity = ReadIdentity();
    }

    /// <summary>Where the handle came from, for messages.</summary>
    public string Name { get; }

    /// <summary>Tells whether two handles mean one namespace.</summary>
    public NetnsIdentity Identity { get; }

    /// <summary>The descriptor, lent: to pass it to another process. Closed with this object.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>A path that opens this namespace in any process of the machine while the handle is open.</summary>
    internal string Path => string.Create(
        CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}");

    /// <summary>Opens a namespace by its file, such as <c>/var/run/netns/NAME</c>.</summary>
    /// <exception cref="IOException">There is no such file, or it is not a network namespace.</exception>
    public static Netns Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var descriptor = NativeMethods.Open(path, ReadOnlyCloseOnExec);
        return descriptor >= 0
            ? FromHandle(new SafeFileHandle(descriptor, ownsHandle: true), path)
            : throw OsError.Last.ToException($"cannot open network namespace {path}");
    }

    /// <summary>Opens the namespace that a process is in.</summary>
    /// <exception cref="IOException">There is no such process, or it is not ours to look at.</exception>
    public static Netns Open(int processId) =>
        Open(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/ns/net"));

    /// <summary>Opens the namespace that the calling thread is in.</summary>
    public static Netns OpenCurrent() => Open("/proc/thread-self/ns/net");

    /// <summary>Takes over a descriptor that another process has passed; it is closed on failure, too.</summary>
    /// <param name="handle">The descriptor.</param>
    /// <param name="name">Where it came from, for messages.</param>
    /// <exception cref="IOException">The descriptor is not that of a network namespace.</exception>
    public static Netns FromHandle(SafeFileHandle handle, string name)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var accepted = false;
        try
        {
            if (NativeMethods.IoControl(handle, GetNamespaceType) != CloneNewNet)
            {
                throw new IOException($"not a network namespace: {name}");
            }

            var netns = new Netns(handle, name);
            accepted = true;
            return netns;
        }
        finally
        {
            if (!accepted)
            {
                handle.Dispose();
            }
        }
    }

    /// <summary>
    /// Runs a few straight-line system calls on the calling thread inside the namespace, and is back in the thread's
    /// former namespace before it returns or throws. Sockets made inside stay in it for good.
    /// </summary>
    /// <remarks>
    /// The body must neither start threads nor asynchronous work: a new thread inherits the namespace and keeps it. Not
    /// being able to return ends the process, because this thread would next serve one pod from another pod's network.
    /// </remarks>
    /// <exception cref="IOException">The namespace cannot be entered; the body has not run.</exception>
    public T Run<T>(Func<T> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        var held = false;
        try
        {
            // Held until the way back is done: whoever disposes the handle meanwhile must not take it from a nested Run.
            _handle.DangerousAddRef(ref held);
            return EnterAndReturn(body);
        }
        finally
        {
            if (held)
            {
                _handle.DangerousRelease();
            }
        }
    }

    /// <summary>As <see cref="Run{T}"/>, without a result.</summary>
    public void Run(Action body)
    {
        ArgumentNullException.ThrowIfNull(body);
        Run(() =>
        {
            body();
            return true;
        });
    }

    /// <summary>Makes a TCP socket that lives in the namespace; bind and connect it from anywhere.</summary>
    /// <exception cref="IOException">The namespace cannot be entered.</exception>
    /// <exception cref="SocketException">The socket cannot be made, for want of descriptors or of the family.</exception>
    public Socket CreateTcpSocket(AddressFamily family) => Run<Socket>(family switch
    {
        AddressFamily.InterNetwork => static () => NewTcpSocket(AddressFamily.InterNetwork),
        AddressFamily.InterNetworkV6 => static () => NewTcpSocket(AddressFamily.InterNetworkV6),
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "an IP family is needed"),
    });

    /// <summary>The same for UDP.</summary>
    /// <exception cref="IOException">The namespace cannot be entered.</exception>
    /// <exception cref="SocketException">The socket cannot be made, for want of descriptors or of the family.</exception>
    public Socket CreateUdpSocket(AddressFamily family) => Run<Socket>(family switch
    {
        AddressFamily.InterNetwork => static () => NewUdpSocket(AddressFamily.InterNetwork),
        AddressFamily.InterNetworkV6 => static () => NewUdpSocket(AddressFamily.InterNetworkV6),
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "an IP family is needed"),
    });

    /// <summary>
    /// Whether the namespace's loopback has IPv6; not where the kernel has none or the file cannot be read.
    /// </summary>
    /// <exception cref="IOException">The namespace cannot be entered.</exception>
    public bool HasIpv6Loopback() => Run(ReadIpv6Loopback);

    /// <summary>The same for the namespace that the calling thread is in.</summary>
    public static bool CurrentHasIpv6Loopback() => ReadIpv6Loopback();

    /// <summary>Whether there is an interface beside the loopback.</summary>
    /// <exception cref="IOException">The namespace cannot be entered, or not be looked at.</exception>
    public bool HasInterface() => Run(static () =>
    {
        // Two lines of heads, then one for each interface (proc(5)); it shows those of the thread's namespace.
        foreach (var line in File.ReadLines("/proc/thread-self/net/dev").Skip(2))
        {
            if (!line.AsSpan().TrimStart().StartsWith("lo:", StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    });

    /// <summary>Closes the handle. Sockets made inside go on working; disposing twice is fine.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>The name.</summary>
    public override string ToString() => Name;

    internal static Socket NewTcpSocket(AddressFamily family) => new(family, SocketType.Stream, ProtocolType.Tcp);

    internal static Socket NewUdpSocket(AddressFamily family) => new(family, SocketType.Dgram, ProtocolType.Udp);

    // /proc/sys/net shows the namespace of the thread that reads.
    private static bool ReadIpv6Loopback()
    {
        try
        {
            return File.ReadAllText("/proc/sys/net/ipv6/conf/lo/disable_ipv6").AsSpan().Trim() is "0";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private T EnterAndReturn<T>(Func<T> body)
    {
        var former = _entered ?? Own.Value;
        if (NativeMethods.SetNamespace(_handle.DangerousGetHandle().ToInt32(), CloneNewNet) != 0)
        {
            throw OsError.Last.ToException($"cannot enter network namespace {Name}");
        }

        _entered = this;
        var result = default(T);
        ExceptionDispatchInfo? thrown = null;
        try
        {
            result = body();
        }
        catch (Exception exception)
        {
            // Caught, not left to a finally block: that would let the callers' exception filters run in the pod first.
            thrown = ExceptionDispatchInfo.Capture(exception);
        }

        if (NativeMethods.SetNamespace(former._handle.DangerousGetHandle().ToInt32(), CloneNewNet) != 0)
        {
            Environment.FailFast($"cannot return from network namespace {Name} to {former.Name}: {OsError.Last}");
        }

        _entered = former == Own.Value ? null : former;
        thrown?.Throw();
        return result!;
    }

    /// <summary>Reads device and inode out of <c>struct statx</c>.</summary>
    /// <remarks>256 bytes: stx_ino is a u64 at 32, stx_dev_major and stx_dev_minor are u32 at 136 and 140.</remarks>
    private NetnsIdentity ReadIdentity()
    {
        const int EmptyPath = 0x1000; // AT_EMPTY_PATH: the descriptor itself
        const uint InodeMask = 0x100; // STATX_INO
        Span<byte> status = stackalloc byte[256];
        status.Clear();
        if (NativeMethods.ExtendedStatus(_handle, "", EmptyPath, InodeMask, ref status[0]) != 0)
        {
            throw OsError.Last.ToException($"cannot read the identity of network namespace {Name}");
        }

        return new NetnsIdentity(
            MemoryMarshal.Read<uint>(status[136..]),
            MemoryMarshal.Read<uint>(status[140..]),
            MemoryMarshal.Read<ulong>(status[32..]));
    }
}
