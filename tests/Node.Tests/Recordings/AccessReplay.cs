using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ztunnel.Demo;
using Ztunnel.Mesh;

namespace Node.Tests.Recordings;

/// <summary>
/// Brings about every situation of the recorded access logs once, and keeps what happened. The situations in which
/// nobody answers run beside the others; those run one after the other, so that each line has its situation.
/// </summary>
public abstract class AccessReplay(string logFormat) : IAsyncLifetime
{
    /// <summary>How the recorded client said that nothing came, neither data nor an end.</summary>
    internal const string TimedOut = "TimeoutError timed out";

    /// <summary>How it said that the connection was refused after it had been accepted.</summary>
    internal const string Reset = "ConnectionResetError [Errno 104] Connection reset by peer";

    /// <summary>Where the application of pod b listens.</summary>
    internal const int EchoPort = 7007;

    // Less than the three seconds that the kernel takes for an address that nobody has.
    private static readonly TimeSpan ClientPatience = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, ReplayedSituation> _replayed = [];
    private TwoPods? _pods;

    /// <summary>What is replayed, by name.</summary>
    internal IReadOnlyDictionary<string, RecordedSituation> Recorded { get; } =
        RecordedSituation.All(logFormat).ToDictionary(situation => situation.Name);

    /// <summary>What happened, by name.</summary>
    internal IReadOnlyDictionary<string, ReplayedSituation> Replayed => _replayed;

    /// <summary>All access lines of pod a, then of pod b, after the last situation.</summary>
    internal (string[] A, string[] B) AllLines { get; private set; }

    /// <summary>The metrics page of each pod after the last situation.</summary>
    internal (string A, string B) Metrics { get; private set; }

    /// <summary>The config dump of each pod after the last situation.</summary>
    internal (string A, string B) ConfigDump { get; private set; }

    private TwoPods Pods => _pods!;

    private ProxyProcess ProxyA { get; set; } = null!;

    private ProxyProcess ProxyB { get; set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var none = CancellationToken.None;
        _pods = await TwoPods.CreateAsync(none);
        try
        {
            ProxyA = await Pods.CaptureAsync(Pods.A, new WorkloadInfo("a", "default", "a"), logFormat, none);
            ProxyB = await Pods.CaptureAsync(Pods.B, new WorkloadInfo("b", "shop", "b"), logFormat, none);
            await using var server = PodServer.Start(Pods.B, EchoPort, EchoAsync);

            var slow = Recorded.Values.Where(situation => situation.IsSlow).Select(ReplayAsync).ToArray();
            foreach (var situation in Recorded.Values.Where(situation => !situation.IsSlow))
            {
                await ReplayAsync(situation);
            }

            await Task.WhenAll(slow);
            AllLines = (ProxyA.AccessSince(0), ProxyB.AccessSince(0));
            Metrics = (await GetAsync(Pods.A, 15020, "metrics"), await GetAsync(Pods.B, 15020, "metrics"));
            ConfigDump = (await GetAsync(Pods.A, 15000, "config_dump"), await GetAsync(Pods.B, 15000, "config_dump"));
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_pods is not null)
        {
            await _pods.DisposeAsync();
        }
    }

    internal static async Task EchoAsync(Socket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        while (await socket.ReceiveAsync(buffer, cancellationToken) is > 0 and var count)
        {
            await socket.SendAsync(buffer.AsMemory(0, count), cancellationToken);
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Says hello and waits for the answer, as the recorded client did.</summary>
    internal static async Task<string> SayHelloAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(ClientPatience);
        try
        {
            var buffer = new byte[100];
            await socket.SendAsync("hello"u8.ToArray(), patience.Token);
            var count = await socket.ReceiveAsync(buffer, patience.Token);
            return $"got b'{Encoding.ASCII.GetString(buffer, 0, count)}'";
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return Reset;
        }
        catch (OperationCanceledException)
        {
            return TimedOut;
        }
    }

    private static async Task<string> GetAsync(Pod pod, int port, string page)
    {
        var url = FormattableString.Invariant($"http://127.0.0.1:{port}/{page}");
        var get = new ProcessSpec("curl", "-sS", "-f", "--max-time", "5", url);
        return (await pod.Namespace.RunAsync(get, CancellationToken.None)).Succeeded().Output;
    }

    private async Task ReplayAsync(RecordedSituation situation)
    {
        var (sinceA, sinceB) = (ProxyA.Log.Count, ProxyB.Log.Count);
        if (situation.Dial is not { } dial)
        {
            var status = await RequestAsync(RecordedRequest.Of(situation.Request!));
            _replayed[situation.Name] = new ReplayedSituation(status, 0, [], await DestinationLinesAsync());
            return;
        }

        using var socket = situation.IsCaptured
            ? await Pods.A.ConnectAsync(dial.Address, dial.Port, CancellationToken.None)
            : await Pods.A.ConnectUncapturedAsync(dial, CancellationToken.None);
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        var client = await SayHelloAsync(socket);
        if (client != TimedOut)
        {
            socket.Dispose(); // one that waited in vain stays, so that its end is not the reason for the proxy's
        }

        var text = port.ToString(CultureInfo.InvariantCulture);
        var atSource = await ProxyA.WaitForAccessAsync(
            sinceA,
            situation.SourceLog.Count,
            line => AccessLines.SourcePortOf(line) == text,
            CancellationToken.None);
        _replayed[situation.Name] = new ReplayedSituation(client, port, atSource, await DestinationLinesAsync());

        Task<string[]> DestinationLinesAsync() => situation.DestinationLog.Count == 0
            ? Task.FromResult<string[]>([])
            : ProxyB.WaitForAccessAsync(sinceB, situation.DestinationLog.Count, _ => true, CancellationToken.None);
    }

    private async Task<string> RequestAsync(RecordedRequest request)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await using var client = await HboneClient.ConnectAsync(Pods, Pods.B.IPv4, request.Identity, deadline.Token);
        await client.SendAsync(request.Sent, deadline.Token);
        var frames = await client.ReadAllAsync(request.Frames.Length, deadline.Token);
        var answer = Assert.Single(frames, frame => frame.Headers is not null);
        return $"status {answer.Headers!.Single(field => field.Name == ":status").Value}";
    }
}
