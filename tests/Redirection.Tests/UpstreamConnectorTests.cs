using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Redirection.Tests.Support;

namespace Redirection.Tests;

public sealed class UpstreamConnectorTests : IDisposable
{
    private const int Port = 8080;

    private static readonly UpstreamSocketOptions Options = new() { Mark = 1337 };

    private readonly PodPair _pair = new();
    private readonly List<string> _warnings = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pair.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task D8_OutgoingSocket_CarriesTheMarkAndNeverSharesItsPort(bool ipv6)
    {
        using var server = _pair.Peer.Listen(Port);

        using var socket = await Connector().ConnectAsync(
            new IPEndPoint(PodPair.FarAddress(ipv6), Port), null, Options, Token);

        Assert.Equal(1337, socket.ReadMark());
        Assert.Equal(0, socket.ReadReusePort());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ConnectAsync_NoSource_UsesThePodsAddressAndTheFamilyOfTheDestination(bool ipv6)
    {
        using var server = _pair.Peer.Listen(Port);

        using var socket = await Connector().ConnectAsync(
            new IPEndPoint(PodPair.FarAddress(ipv6), Port), null, Options, Token);
        using var accepted = await server.AcceptWithinLimitAsync();

        Assert.Equal(PodPair.PodAddress(ipv6), accepted.Peer().Address);
        Assert.Equal(ipv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, socket.AddressFamily);
        Assert.True(socket.NoDelay);
        Assert.Equal(1, socket.Read(RawSocketOptions.SolSocket, RawSocketOptions.SoKeepalive));
        Assert.Equal(180, socket.Read(RawSocketOptions.SolTcp, RawSocketOptions.TcpKeepIdle));
    }

    [Fact]
    public async Task ConnectAsync_MappedDestination_IsAnIpv4Connection()
    {
        using var server = _pair.Peer.Listen(Port);
        var mapped = new IPEndPoint(PodPair.FarAddress(ipv6: false).MapToIPv6(), Port);

        using var socket = await Connector().ConnectAsync(mapped, null, Options, Token);

        Assert.Equal(AddressFamily.InterNetwork, socket.AddressFamily);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ConnectAsync_SourceEqualsDestination_IsNotPreserved(bool ipv6)
    {
        using var server = _pair.Pod.Listen(Port);
        var own = PodPair.PodAddress(ipv6);

        using var socket = await Connector().ConnectAsync(new IPEndPoint(own, Port), own, Options, Token);

        var level = ipv6 ? RawSocketOptions.SolIpv6 : RawSocketOptions.SolIp;
        Assert.Equal(
            0, socket.Read(level, ipv6 ? RawSocketOptions.Ipv6Transparent : RawSocketOptions.IpTransparent));
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task ConnectAsync_SourceOfTheOtherFamily_GoesOnWithoutAndWarns()
    {
        using var server = _pair.Peer.Listen(Port);

        using var socket = await Connector().ConnectAsync(
            new IPEndPoint(PodPair.FarAddress(ipv6: false), Port), PodPair.ForeignAddress(ipv6: true), Options, Token);
        using var accepted = await server.AcceptWithinLimitAsync();

        Assert.Equal(PodPair.PodAddress(ipv6: false), accepted.Peer().Address);
        Assert.StartsWith("failed to bind local addr: ", Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ConnectAsync_ManyFromOneSource_AreNotLimitedByPorts(bool ipv6)
    {
        // Two ephemeral ports and three destinations: six connections, of which a port per bind would allow two.
        _pair.Pod.Run(static () => File.WriteAllText("/proc/sys/net/ipv4/ip_local_port_range", "40000 40001"));
        using var first = _pair.Pod.Listen(Port);
        using var second = _pair.Pod.Listen(Port + 1);
        using var third = _pair.Pod.Listen(Port + 2);
        var source = IPAddress.Parse(ipv6 ? "::1" : "127.0.0.5");
        var sockets = new List<Socket>();

        for (var i = 0; i < 6; i++)
        {
            sockets.Add(await Connector().ConnectAsync(
                new IPEndPoint(PodPair.PodAddress(ipv6), Port + (i % 3)), source, Options, Token));
        }

        Assert.All(sockets, socket => Assert.Equal(source, ((IPEndPoint)socket.LocalEndPoint!).Address));
        Assert.Empty(_warnings);
        sockets.ForEach(socket => socket.Dispose());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ConnectAsync_PreservedSource_TakesNoPortThatTheCallersKernelGives(bool ipv6)
    {
        using var server = _pair.Pod.Listen(Port);
        var destination = new IPEndPoint(PodPair.PodAddress(ipv6), Port);
        var source = IPAddress.Parse(ipv6 ? "::1" : "127.0.0.5");
        var connector = Connector();
        var sockets = new List<Socket>();

        for (var i = 0; i < 100; i++)
        {
            sockets.Add(await connector.ConnectAsync(destination, source, Options, Token));
            (await server.AcceptWithinLimitAsync()).Dispose();
        }

        // The kernel's choice, for a caller that has the same range.
        using var plain = await connector.ConnectAsync(destination, null, Options, Token);
        var (first, last) = LocalPortsOfPod();
        Assert.Equal(first % 2, PortOf(plain) % 2);
        Assert.All(sockets, socket => Assert.Equal((first + 1) % 2, PortOf(socket) % 2));
        Assert.All(sockets, socket => Assert.InRange(PortOf(socket), first, last));
        Assert.InRange(sockets.Select(PortOf).Distinct().Count(), 2, 100);
        Assert.Empty(_warnings);
        sockets.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task ConnectAsync_Refused_SaysSoAndLeavesNothingOpen()
    {
        var exception = await Assert.ThrowsAsync<SocketException>(() => Connector().ConnectAsync(
            new IPEndPoint(PodPair.FarAddress(ipv6: false), Port), null, Options, Token).AsTask());

        Assert.Equal("Connection refused (os error 111)", OsError.Describe(exception));
        AssertNoSocketInPod();
    }

    [Fact]
    public async Task ConnectAsync_NoAnswer_EndsAtTheLimitAndLeavesNothingOpen()
    {
        var nobody = SilentDestination();

        var exception = await Assert.ThrowsAsync<TimeoutException>(() => Connector().ConnectAsync(
            nobody, null, Options with { ConnectTimeout = TimeSpan.FromMilliseconds(50) }, Token).AsTask());

        Assert.Equal("deadline has elapsed", exception.Message);
        AssertNoSocketInPod();
    }

    [Fact]
    public async Task ConnectAsync_Cancelled_IsNotATimeoutAndLeavesNothingOpen()
    {
        using var caller = new CancellationTokenSource();
        var nobody = SilentDestination();

        var connecting = Connector().ConnectAsync(nobody, null, Options, caller.Token).AsTask();
        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        AssertNoSocketInPod();
    }

    /// <summary>An address on the link with a hardware address that is no machine's: packets vanish without an error.</summary>
    private IPEndPoint SilentDestination()
    {
        _pair.RunInPod("ip neigh add 10.77.0.77 lladdr 02:00:00:00:00:77 dev eth0");
        return new IPEndPoint(IPAddress.Parse("10.77.0.77"), Port);
    }

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private (int First, int Last) LocalPortsOfPod()
    {
        var numbers = _pair.Pod.Run(static () => File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range"))
            .Split((char[])['\t', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(number => int.Parse(number, CultureInfo.InvariantCulture))
            .ToArray();
        return (numbers[0], numbers[1]);
    }

    private UpstreamConnector Connector() => new(_pair.Pod, _warnings.Add);

    /// <summary>Sockets that have set the namespace up go some milliseconds after their processes.</summary>
    private void AssertNoSocketInPod() => Assert.True(
        SpinWait.SpinUntil(() => SocketsInPod() == 0, TimeSpan.FromSeconds(5)), $"{SocketsInPod()} sockets are left");

    /// <summary>Sockets of any state in the pod's namespace; the file follows the thread.</summary>
    private int SocketsInPod() => _pair.Pod.Run(static () => int.Parse(
        File.ReadLines("/proc/thread-self/net/sockstat").First()["sockets: used ".Length..],
        CultureInfo.InvariantCulture));
}
