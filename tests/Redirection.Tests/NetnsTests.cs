using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class NetnsTests : IDisposable
{
    private readonly PodPair _pair = new();

    private static string? ThreadsNamespace => new FileInfo("/proc/thread-self/ns/net").LinkTarget;

    public void Dispose() => _pair.Dispose();

    [Fact]
    public void P2_Run_Body_IsInsideAndTheThreadComesBack()
    {
        var before = ThreadsNamespace;

        var inside = _pair.Pod.Run(() => ThreadsNamespace);

        Assert.NotEqual(before, inside);
        Assert.Equal($"net:[{_pair.Pod.Identity.Inode}]", inside);
        Assert.Equal(before, ThreadsNamespace);
    }

    [Fact]
    public void P2_Run_BodyThrows_ReturnsBeforeAnyHandlerLooks()
    {
        var before = ThreadsNamespace;
        var seenByFilter = "";

        try
        {
            _pair.Pod.Run(() => throw new InvalidOperationException("from inside"));
            Assert.Fail("the exception is lost");
        }
        catch (InvalidOperationException exception)
            when (Look() && exception.Message == "from inside")
        {
            Assert.Equal(before, seenByFilter);
        }

        Assert.Equal(before, ThreadsNamespace);

        bool Look()
        {
            seenByFilter = ThreadsNamespace;
            return true;
        }
    }

    [Fact]
    public void P2_Run_Nested_ReturnsStepByStep()
    {
        var before = ThreadsNamespace;

        var (inner, outer) = _pair.Pod.Run(() => (_pair.Peer.Run(() => ThreadsNamespace), ThreadsNamespace));

        Assert.Equal($"net:[{_pair.Peer.Identity.Inode}]", inner);
        Assert.Equal($"net:[{_pair.Pod.Identity.Inode}]", outer);
        Assert.Equal(before, ThreadsNamespace);
    }

    [Fact]
    public void P2_Run_HandleDisposedInside_StillReturns()
    {
        var before = ThreadsNamespace;
        var pod = Netns.Open($"/var/run/netns/{_pair.PodName}");

        pod.Run(() => _pair.Peer.Run(pod.Dispose));

        Assert.Equal(before, ThreadsNamespace);
        Assert.Throws<ObjectDisposedException>(() => pod.Run(() => 0));
    }

    [Fact]
    public void CreateTcpSocket_UsedOutside_StaysInside()
    {
        using var socket = _pair.Pod.CreateTcpSocket(AddressFamily.InterNetwork);

        socket.Bind(new IPEndPoint(PodPair.PodAddress(ipv6: false), 0)); // an address that only the pod has

        Assert.Equal(PodPair.PodAddress(ipv6: false), ((IPEndPoint)socket.LocalEndPoint!).Address);
    }

    [Fact]
    public void Identity_TwoHandlesOfOneNamespace_AreEqual()
    {
        using var again = Netns.Open($"/var/run/netns/{_pair.PodName}");
        using var ofThread = _pair.Pod.Run(Netns.OpenCurrent);

        Assert.Equal(_pair.Pod.Identity, again.Identity);
        Assert.Equal(_pair.Pod.Identity, ofThread.Identity);
        Assert.NotEqual(_pair.Pod.Identity, _pair.Peer.Identity);
    }

    [Fact]
    public void Open_ProcessId_IsThatProcessesNamespace()
    {
        using var ofProcess = Netns.Open(Environment.ProcessId);
        using var own = Netns.OpenCurrent();

        Assert.Equal(own.Identity, ofProcess.Identity);
        Assert.NotEqual(_pair.Pod.Identity, ofProcess.Identity);
    }

    [Theory]
    [InlineData("/proc/self/ns/uts")]
    [InlineData("/etc/passwd")]
    public void Open_SomethingElse_IsRefusedByName(string path)
    {
        var exception = Assert.Throws<IOException>(() => Netns.Open(path));

        Assert.Equal($"not a network namespace: {path}", exception.Message);
    }

    [Fact]
    public void FromHandle_SomethingElse_ClosesTheHandle()
    {
        var handle = File.OpenHandle("/etc/passwd");

        Assert.Throws<IOException>(() => Netns.FromHandle(handle, "descriptor of pod a"));

        Assert.True(handle.IsClosed);
    }

    [Fact]
    public void FromHandle_PassedDescriptor_EntersTheNamespace()
    {
        using var passed = Netns.FromHandle(
            new SafeFileHandle(NativeMethods.Open($"/var/run/netns/{_pair.PodName}", 0), ownsHandle: true), "pod a");

        Assert.Equal(_pair.Pod.Identity, passed.Identity);
        Assert.Equal($"net:[{_pair.Pod.Identity.Inode}]", passed.Run(() => ThreadsNamespace));
    }
}
