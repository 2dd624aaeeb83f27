using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Demo;
using Ztunnel.Dns;
using Ztunnel.Mesh;
using Ztunnel.Proxy;
using Ztunnel.Telemetry;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>The DNS proxy of a pod <c>client</c> in ns1, on loopback.</summary>
internal sealed class DnsFixture : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly MetricsRegistry _metrics = new();
    private readonly LoggerFactory? _ownLoggers;

    public DnsFixture(
        IEnumerable<object> mesh,
        IEnumerable<IPEndPoint>? servers = null,
        DnsLimits? limits = null,
        ProxyOptions? options = null,
        TimeProvider? time = null,
        ILoggerFactory? loggers = null,
        TimeSpan? timeout = null,
        IPAddress? address = null)
    {
        time ??= TimeProvider.System;
        Host = address ?? OwnLoopback.Next();
        Mesh = new MeshState(Empty.With([.. mesh]), time);
        _ownLoggers = loggers is null ? new LoggerFactory() : null;
        var services = new DnsServices(
            (options ?? new ProxyOptions()) with
            {
                PacketMark = null,
                DnsAddress = new DnsListenAddress(Host, 0),
            },
            Mesh,
            new DnsMetrics(_metrics),
            loggers ?? _ownLoggers!,
            time)
        {
            Limits = limits ?? new DnsLimits(),
            ReadResolverFile = () => new ResolverFile(
                [.. servers ?? []], ["corp.example"], timeout ?? TimeSpan.FromSeconds(10), 1),
        };
        Proxy = Bind(services);
        Proxy.Start();
    }

    public static Workload ClientPod { get; } = Pod("client", "10.1.1.1") with
    {
        CanonicalName = "shop",
        CanonicalRevision = "v1",
    };

    public MeshState Mesh { get; }

    public Drain Drain { get; } = new();

    public DnsProxy Proxy { get; }

    /// <summary>Where clients find it.</summary>
    public IPEndPoint Address => new(
        Host.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : Host, Proxy.Addresses[0].Port);

    private IPAddress Host { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>One query over UDP.</summary>
    public async Task<Parsed> AskAsync(byte[] query) => new(await AskRawAsync(query));

    public async Task<byte[]> AskRawAsync(byte[] query)
    {
        using var client = Client();
        await client.SendAsync(query, Token);
        return await ReceiveAsync(client);
    }

    /// <summary>A UDP socket that talks to the proxy.</summary>
    public Socket Client()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(Address);
        return socket;
    }

    public static async Task<byte[]> ReceiveAsync(Socket client)
    {
        var buffer = new byte[65_536];
        return buffer[..await client.ReceiveAsync(buffer, Token).AsTask().WaitAsync(Limit, Token)];
    }

    public async Task<NetworkStream> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address, Token);
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <summary>One query over TCP.</summary>
    public async Task<Parsed> AskTcpAsync(byte[] query)
    {
        await using var stream = await ConnectAsync();
        await SendAsync(stream, query);
        return await ReadAsync(stream);
    }

    public static async Task SendAsync(NetworkStream stream, byte[] query) =>
        await stream.WriteAsync((byte[])[.. Messages.Words((ushort)query.Length), .. query], Token);

    public static async Task<Parsed> ReadAsync(NetworkStream stream)
    {
        var prefix = new byte[2];
        await stream.ReadExactlyAsync(prefix, Token).AsTask().WaitAsync(Limit, Token);
        var reply = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        await stream.ReadExactlyAsync(reply, Token).AsTask().WaitAsync(Limit, Token);
        return new Parsed(reply);
    }

    /// <summary>Output of dig.</summary>
    public async Task<string> DigAsync(params string[] arguments)
    {
        var result = await ChildProcess.RunAsync(
            new ProcessSpec(
            [
                "dig", "-p", $"{Address.Port}", $"@{Address.Address}", "+tries=1", "+timeout=15", "+nocookie", .. arguments,
            ]),
            Limit,
            Token);
        return result.Output;
    }

    public async Task<string> ScrapeAsync()
    {
        using var text = new MemoryStream();
        await _metrics.WriteAsync(text, Token);
        return Encoding.UTF8.GetString(text.ToArray());
    }

    // On the wildcard, TCP on the port that the kernel chose for UDP may be somebody's.
    private DnsProxy Bind(DnsServices services)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return DnsProxy.Bind(services, ClientPod.Info, netns: null, Drain);
            }
            catch (ListenException) when (tries < 50 && Host.Equals(IPAddress.IPv6Any))
            {
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Drain.StartAsync();
        await Drain.ForceAsync();
        await Proxy.WhenDrainedAsync().WaitAsync(Limit);
        await Proxy.DisposeAsync();
        Drain.Dispose();
        _ownLoggers?.Dispose();
    }
}
