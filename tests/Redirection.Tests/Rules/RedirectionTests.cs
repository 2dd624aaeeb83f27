using System.Net;
using System.Net.Sockets;
using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

/// <summary>Where real connections end up in a pod whose rules are in place.</summary>
public sealed class RedirectionTests(RedirectedPods pods) : IClassFixture<RedirectedPods>
{
    private const int AppPort = 8080;

    private static readonly UpstreamSocketOptions Marked = new() { Mark = InPodRules.ProxyMark };

    public static TheoryData<RuleBackend, bool> BackendsAndFamilies => new()
    {
        { RuleBackend.Nftables, false },
        { RuleBackend.Nftables, true },
        { RuleBackend.Iptables, false },
        { RuleBackend.Iptables, true },
    };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Outbound_FromTheApplication_ArrivesAt15001WithItsDestination(RuleBackend backend, bool ipv6)
    {
        var destination = new IPEndPoint(PodPair.FarAddress(ipv6), AppPort);
        using var listener = ListenInPod(backend, 15001);

        using var app = await pods[backend].Pod.ConnectAsync(destination);
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.True(OriginalDestination.TryRead(accepted, out var original, out _));
        Assert.Equal(destination, original);
        await app.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Outbound_Marked_IsNotCapturedAgain(RuleBackend backend, bool ipv6)
    {
        using var listener = ListenInPod(backend, 15001);
        using var server = pods[backend].Peer.Listen(AppPort);

        using var upstream = await new UpstreamConnector(pods[backend].Pod).ConnectAsync(
            new IPEndPoint(PodPair.FarAddress(ipv6), AppPort), null, Marked, Token);
        using var accepted = await server.AcceptWithinLimitAsync();

        Assert.Equal(PodPair.PodAddress(ipv6), accepted.Peer().Address);
        await upstream.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Outbound_ToThePodItself_IsNotCaptured(RuleBackend backend, bool ipv6)
    {
        using var listener = ListenInPod(backend, 15001);
        using var app = pods[backend].Pod.Listen(AppPort);

        using var client = await pods[backend].Pod.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), AppPort));
        using var accepted = await app.AcceptWithinLimitAsync();

        await client.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Inbound_Plaintext_ArrivesAt15006WithItsDestination(RuleBackend backend, bool ipv6)
    {
        var destination = new IPEndPoint(PodPair.PodAddress(ipv6), AppPort);
        using var listener = ListenInPod(backend, 15006);

        using var client = await pods[backend].Peer.ConnectAsync(destination, PodPair.FarAddress(ipv6));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.True(OriginalDestination.TryRead(accepted, out var original, out _));
        Assert.Equal(destination, original);
        Assert.Equal(PodPair.FarAddress(ipv6), accepted.Peer().Address);
        await client.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Inbound_Hbone_IsNotRedirected(RuleBackend backend, bool ipv6)
    {
        using var passthrough = ListenInPod(backend, 15006);
        using var listener = ListenInPod(backend, 15008);

        using var client = await pods[backend].Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), 15008));
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        await client.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task Inbound_HealthProbe_GoesToTheApplication(RuleBackend backend, bool ipv6)
    {
        using var passthrough = ListenInPod(backend, 15006);
        using var app = pods[backend].Pod.Listen(AppPort);

        using var client = await pods[backend].Peer.ConnectAsync(
            new IPEndPoint(PodPair.PodAddress(ipv6), AppPort), PodPair.Probe(ipv6));
        using var accepted = await app.AcceptWithinLimitAsync();

        Assert.Equal(PodPair.Probe(ipv6), accepted.Peer().Address);
        await client.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task PreservedSource_OfAnotherMachine_TalksToTheApplication(RuleBackend backend, bool ipv6)
    {
        List<string> warnings = [];
        var caller = PodPair.ForeignAddress(ipv6);
        using var app = pods[backend].Pod.Listen(AppPort);

        using var upstream = await new UpstreamConnector(pods[backend].Pod, warnings.Add).ConnectAsync(
            new IPEndPoint(PodPair.PodAddress(ipv6), AppPort), caller, Marked, Token);
        using var accepted = await app.AcceptWithinLimitAsync();

        Assert.Equal(caller, accepted.Peer().Address);
        Assert.Empty(warnings);
        await upstream.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task DnsOverTcp_FromTheApplication_ArrivesAt15053(RuleBackend backend, bool ipv6)
    {
        var server = new IPEndPoint(PodPair.FarAddress(ipv6), 53);
        using var listener = ListenInPod(backend, 15053);

        using var app = await pods[backend].Pod.ConnectAsync(server);
        using var accepted = await listener.Socket.AcceptWithinLimitAsync();

        Assert.True(OriginalDestination.TryRead(accepted, out var original, out _));
        Assert.Equal(server, original);
    }

    [Theory]
    [MemberData(nameof(BackendsAndFamilies))]
    public async Task DnsOverUdp_FromTheApplication_IsAnsweredBy15053InTheNameOfTheServer(RuleBackend backend, bool ipv6)
    {
        var server = new IPEndPoint(PodPair.FarAddress(ipv6), 53);
        var any = new IPEndPoint(ipv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        using var app = UdpInPod(backend, any);
        using var resolver = UdpInPod(
            backend, new IPEndPoint(ipv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 15053));
        var buffer = new byte[16];

        await app.SendToAsync("question"u8.ToArray(), server, Token);
        var question = await resolver.ReceiveFromAsync(buffer, any, Token).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(10), Token);
        await resolver.SendToAsync("answer"u8.ToArray(), question.RemoteEndPoint, Token);
        var answer = await app.ReceiveFromAsync(buffer, any, Token).AsTask()
            .WaitAsync(TimeSpan.FromSeconds(10), Token);

        Assert.Equal(server, answer.RemoteEndPoint);
        Assert.Equal("answer"u8, buffer.AsSpan(..answer.ReceivedBytes));
    }

    private TransparentListener ListenInPod(RuleBackend backend, int port) => TransparentListener.Open(
        new ListenerOptions(
            new IPEndPoint(IPAddress.IPv6Any, port),
            InPodRules.ProxyMark,
            ReusePort: true,
            Transparent: true,
            ListenerOptions.SharedBacklog),
        pods[backend].Pod);

    private Socket UdpInPod(RuleBackend backend, IPEndPoint local)
    {
        var socket = pods[backend].Pod.Run(
            () => new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(local);
        return socket;
    }
}
