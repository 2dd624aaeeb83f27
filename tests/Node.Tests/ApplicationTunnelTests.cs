using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Node.Tests;

/// <summary>An application that wants a PROXY protocol header, as waypoints do; data-path 4.7.</summary>
public sealed class ApplicationTunnelTests : IAsyncLifetime
{
    private const int TunnelPort = 15088;
    private const int FixedLength = 16;
    private const int PortsLength = 4;
    private const string Signature = "0d0a0d0a000d0a515549540a";

    private readonly ConcurrentQueue<byte[]> _headers = [];
    private readonly NodeTopology _topology = new()
    {
        ServerTunnel = FormattableString.Invariant($"{"{"}protocol: PROXY, port: {TunnelPort}{"}"}"),
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _topology.InitializeAsync();

    public ValueTask DisposeAsync() => _topology.DisposeAsync();

    [Theory]
    [InlineData("11", AddressFamily.InterNetwork)]
    [InlineData("21", AddressFamily.InterNetworkV6)]
    public async Task TunnelOfProtocolProxy_HeaderBeforeTheBytesAtLoopback_NotCounted(string wire, AddressFamily family)
    {
        (string, string)[] labels = [("reporter", "destination"), ("destination_workload", "server")];
        var before = await TrafficCounters.ReadAsync(_topology.ServerProxy, labels, Token);
        await using var server = PodServer.Start(_topology.Server, TunnelPort, EchoTwiceAfterTheHeaderAsync);
        var (source, target, loopback) = family == AddressFamily.InterNetwork
            ? (_topology.Client.IPv4, _topology.Server.IPv4, IPAddress.Loopback)
            : (_topology.Client.IPv6!, _topology.Server.IPv6!, IPAddress.IPv6Loopback);

        using var socket = await _topology.Client.ConnectAsync(target, TestMesh.OpenPort, Token);
        await socket.SendTextAsync("hello world", Token);
        socket.Shutdown(SocketShutdown.Send);
        var reply = await socket.ReceiveToEndAsync(Token);

        Assert.Equal("hello worldhello world", reply);
        Assert.Equal(loopback, Assert.Single(server.Peers));
        var header = Assert.Single(_headers);
        var addresses = 2 * source.GetAddressBytes().Length;
        var identity = header[(FixedLength + addresses + PortsLength)..];
        Assert.Equal(Signature + "21" + wire, Convert.ToHexStringLower(header[..14]));
        Assert.Equal(
            source.GetAddressBytes().Concat(target.GetAddressBytes()),
            header[FixedLength..(FixedLength + addresses)]);
        Assert.Equal(
            TestMesh.OpenPort, BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(FixedLength + addresses + 2)));
        Assert.Equal("d000" + $"{TestMesh.ClientIdentity.Length:x2}", Convert.ToHexStringLower(identity[..3]));
        Assert.Equal(TestMesh.ClientIdentity, Encoding.ASCII.GetString(identity[3..]));
        await TrafficCounters.WaitForGrowthAsync(
            _topology.ServerProxy, labels, before, new TrafficCounters(1, 1, Received: 11, Sent: 22), Token);
    }

    private async Task EchoTwiceAfterTheHeaderAsync(Socket socket, CancellationToken cancellationToken)
    {
        await using var stream = new NetworkStream(socket);
        var fixedPart = new byte[FixedLength];
        await stream.ReadExactlyAsync(fixedPart, cancellationToken);
        var rest = new byte[BinaryPrimitives.ReadUInt16BigEndian(fixedPart.AsSpan(14))];
        await stream.ReadExactlyAsync(rest, cancellationToken);
        _headers.Enqueue([.. fixedPart, .. rest]);
        await PodServer.EchoTwiceAsync(socket, cancellationToken);
    }
}
