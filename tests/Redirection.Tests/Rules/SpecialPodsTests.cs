using System.Net;
using Redirection.Rules;
using Redirection.Tests.Support;

namespace Redirection.Tests.Rules;

/// <summary>Pods whose rules differ from the usual ones, and pods that have left.</summary>
public sealed class SpecialPodsTests : IDisposable
{
    private const int AppPort = 8080;

    private readonly PodPair _pair = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _pair.Dispose();

    [Theory]
    [MemberData(nameof(RedirectionTests.BackendsAndFamilies), MemberType = typeof(RedirectionTests))]
    public async Task IngressMode_PlaintextInbound_GoesToTheApplication(RuleBackend backend, bool ipv6)
    {
        await Applier(backend).ApplyAsync(new InPodRules { CaptureInbound = false }, Token);
        using var app = _pair.Pod.Listen(AppPort);

        using var client = await _pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), AppPort));
        using var accepted = await app.AcceptWithinLimitAsync();

        await client.AssertTalksToAsync(accepted);
    }

    [Theory]
    [MemberData(nameof(RedirectionTests.BackendsAndFamilies), MemberType = typeof(RedirectionTests))]
    public async Task VirtualInterface_ComesIn_IsOutbound(RuleBackend backend, bool ipv6)
    {
        await Applier(backend).ApplyAsync(new InPodRules { VirtualInterfaces = ["eth0"] }, Token);
        var destination = new IPEndPoint(PodPair.PodAddress(ipv6), AppPort);
        using var outbound = _pair.Pod.Listen(15001);

        using var machine = await _pair.Peer.ConnectAsync(destination);
        using var accepted = await outbound.AcceptWithinLimitAsync();

        Assert.True(OriginalDestination.TryRead(accepted, out var original, out _));
        Assert.Equal(destination, original);
    }

    [Theory]
    [MemberData(nameof(RedirectionTests.BackendsAndFamilies), MemberType = typeof(RedirectionTests))]
    public async Task Excluded_PortOrDestination_IsNotCaptured(RuleBackend backend, bool ipv6)
    {
        using var server = _pair.Peer.Listen(AppPort);
        using var inbound = _pair.Pod.Listen(AppPort);
        InPodRules[] exclusions =
        [
            new() { ExcludedOutboundPorts = [AppPort], ExcludedInboundPorts = [AppPort] },
            new()
            {
                ExcludedDestinations = [IPNetwork.Parse("10.99.0.0/16"), IPNetwork.Parse("fd99::/16")],
                ExcludedInboundPorts = [AppPort],
            },
        ];
        foreach (var rules in exclusions)
        {
            await Applier(backend).ApplyAsync(rules, Token);

            using var app = await _pair.Pod.ConnectAsync(new IPEndPoint(PodPair.FarAddress(ipv6), AppPort));
            using var accepted = await server.AcceptWithinLimitAsync();
            await app.AssertTalksToAsync(accepted);
            using var client = await _pair.Peer.ConnectAsync(new IPEndPoint(PodPair.PodAddress(ipv6), AppPort));
            using var served = await inbound.AcceptWithinLimitAsync();
            await client.AssertTalksToAsync(served);
        }
    }

    [Theory]
    [MemberData(nameof(RedirectionTests.BackendsAndFamilies), MemberType = typeof(RedirectionTests))]
    public async Task Removed_Outbound_GoesToItsDestination(RuleBackend backend, bool ipv6)
    {
        await Applier(backend).ApplyAsync(new InPodRules(), Token);
        await Applier(backend).RemoveAsync(Token);
        using var server = _pair.Peer.Listen(AppPort);

        using var app = await _pair.Pod.ConnectAsync(new IPEndPoint(PodPair.FarAddress(ipv6), AppPort));
        using var accepted = await server.AcceptWithinLimitAsync();

        await app.AssertTalksToAsync(accepted);
    }

    private InPodRulesApplier Applier(RuleBackend backend) => new(_pair.Pod, backend);
}
