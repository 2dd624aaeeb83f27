using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Dns;
using Ztunnel.InPod;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Identity;
using Ztunnel.Tests.Proxy;

namespace Ztunnel.Tests.InPod;

/// <summary>What is left of pods that were served and removed: nothing.</summary>
public sealed class RemovedPodTests : IAsyncDisposable
{
    private const int Pods = 20;

    private readonly CategoryLoggers _log = new();
    private readonly List<WeakReference> _served = [];
    private readonly PodServices _services;
    private readonly PodSet _pods;
    private int _gone;

    public RemovedPodTests()
    {
        _services = new PodServices(
            new MeshState(MeshSnapshot.Empty("node"), TimeProvider.System),
            new WorkloadInfo("own", "default", "sa"),
            new ProxyOptions(),
            new FakeAuthority(),
            _log,
            TimeProvider.System);
        var services = _services.Services with
        {
            Dns = new DnsServices(
                _services.Services.Options,
                _services.Services.Mesh,
                new DnsMetrics(new MetricsRegistry()),
                _log,
                TimeProvider.System)
            {
                ReadResolverFile = () => ResolverFile.Parse("nameserver 127.0.0.1"),
            },
        };
        _pods = new PodSet(
            (info, netns, drain) =>
            {
                var pod = PodProxy.Bind(services, info, drain, netns);
                _served.Add(new WeakReference(pod));
                _served.Add(new WeakReference(drain));
                _served.Add(new WeakReference(netns));
                return pod;
            },
            TimeProvider.System,
            new Logger<PodSet>(_log));
        _pods.PodGone += () => Interlocked.Increment(ref _gone);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _pods.DisposeAsync();
        await _services.DisposeAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task Pods_AddedConnectedToAndRemoved_LeaveNoDescriptorAndNoObject()
    {
        _pods.BeginConnection();
        _pods.StartAccepting();
        _pods.Apply(new ZdsRequest.SnapshotSent());
        var namespaces = Enumerable.Range(0, Pods).Select(_ => new TestNetns()).ToArray();
        var free = namespaces.Select(Descriptors.Of).ToArray();

        Serve(namespaces);

        Assert.Equal(3 * Pods, _served.Count(served => served.IsAlive));
        for (var i = 0; i < Pods; i++)
        {
            await ConnectAsync(namespaces[i]);
        }

        for (var i = 0; i < Pods; i++)
        {
            _pods.Apply(new ZdsRequest.Delete($"pod-{i}"));
        }

        await Waiting.UntilAsync(() => namespaces.Select(Descriptors.Of).SequenceEqual(free), Token);
        await Waiting.UntilAsync(NothingIsAlive, Token);
        Assert.Equal(Pods, Volatile.Read(ref _gone));
        Assert.Empty(_log.LinesOf<PodSet>(LogLevel.Error));
        Array.ForEach(namespaces, netns => netns.Dispose());
    }

    // What this method has in hand does not outlive it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Serve(TestNetns[] namespaces)
    {
        for (var i = 0; i < Pods; i++)
        {
            var netns = namespaces[i].Netns.Run(Netns.OpenCurrent);
            Assert.Null(_pods.Apply(new ZdsRequest.Add($"pod-{i}", new WorkloadInfo($"pod-{i}", "default", "sa"), netns)));
        }
    }

    private bool NothingIsAlive()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        return !_served.Exists(served => served.IsAlive);
    }

    // Each is closed before it has said anything; the query is one that waits for the pod's workload.
    private static async Task ConnectAsync(TestNetns netns)
    {
        foreach (var port in (int[])[15001, 15006, 15008, 15053])
        {
            using var client = netns.Netns.CreateTcpSocket(AddressFamily.InterNetwork);
            await client.ConnectAsync(IPAddress.Loopback, port, Token);
        }

        using var resolver = netns.Netns.CreateUdpSocket(AddressFamily.InterNetwork);
        byte[] query = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, (byte)'a', 0, 0, 1, 0, 1];
        await resolver.SendToAsync(query, new IPEndPoint(IPAddress.Loopback, 15053), Token);
    }
}
