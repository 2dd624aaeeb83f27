using System.Net;
using Redirection.Rules;
using Ztunnel.Cli;

namespace Ztunnel.Tests.Cli;

public sealed class RedirectOptionsTests
{
    [Fact]
    public void Parse_ActionAndNetns_DnsIsNotCaptured()
    {
        var options = Parse("apply --netns pod1");

        Assert.Equal(RedirectAction.Apply, options.Action);
        Assert.Equal("/run/netns/pod1", options.Netns);
        Assert.Equal(RuleBackend.Nftables, options.Backend);
        Assert.False(options.Rules.CaptureDns);
        Assert.True(options.Rules.CaptureInbound);
        Assert.True(options.Rules.Ipv6);
    }

    [Fact]
    public void Parse_Everything_IsTaken()
    {
        var options = Parse(
            "--netns=/proc/1/ns/net show --backend iptables --dns --ingress --ipv4-only --virtual-interface net1"
            + " --virtual-interface net2 --probe-address 169.254.7.1 --probe-address fd00::1 --exclude-port 5432"
            + " --exclude-port=5433 --exclude-inbound-port 9000 --exclude-cidr 10.0.0.0/8 --exclude-cidr fd00::/8");

        Assert.Equal(RedirectAction.Show, options.Action);
        Assert.Equal("/proc/1/ns/net", options.Netns);
        Assert.Equal(RuleBackend.Iptables, options.Backend);
        var rules = options.Rules;
        Assert.Equal((true, false, false), (rules.CaptureDns, rules.CaptureInbound, rules.Ipv6));
        Assert.Equal(["net1", "net2"], rules.VirtualInterfaces);
        Assert.Equal("169.254.7.1", rules.ProbeAddress.ToString());
        Assert.Equal("fd00::1", rules.ProbeAddressIpv6.ToString());
        Assert.Equal([5432, 5433], rules.ExcludedOutboundPorts);
        Assert.Equal([9000], rules.ExcludedInboundPorts);
        Assert.Equal([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")], rules.ExcludedDestinations);
    }

    [Fact]
    public void Parse_Annotation_IsReadAsThePodsOwn() => Assert.False(
        Parse("apply --netns a --annotation ambient.istio.io/bypass-inbound-capture=true").Rules.CaptureInbound);

    [Fact]
    public void Parse_AnnotationNotUnderstood_Warns()
    {
        List<string> warnings = [];

        RedirectOptions.Parse(
            ["apply", "--netns", "a", "--annotation", "ambient.istio.io/dns-capture=maybe"], warnings.Add);

        Assert.Contains("'maybe'", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "expected apply, remove or show")]
    [InlineData("apply", "--netns is missing")]
    [InlineData("--netns pod1", "expected apply, remove or show")]
    [InlineData("apply remove --netns a", "unexpected argument 'remove'")]
    [InlineData("apply --netns", "--netns needs a value")]
    [InlineData("apply --netns --dns", "--netns needs a value")]
    [InlineData("apply --netns a --dns=false", "--dns takes no value")]
    [InlineData("apply --netns a --dns=", "--dns takes no value")]
    [InlineData("apply --netns a --backend nf", "--backend cannot be 'nf': expected nft or iptables")]
    [InlineData("apply --netns a --exclude-port 0", "--exclude-port cannot be '0'")]
    [InlineData("apply --netns a --exclude-port 65536", "--exclude-port cannot be '65536'")]
    [InlineData("apply --netns a --exclude-port -1", "--exclude-port cannot be '-1'")]
    [InlineData("apply --netns a --exclude-cidr 10.0.0.0/33", "--exclude-cidr cannot be '10.0.0.0/33'")]
    [InlineData("apply --netns a --probe-address x", "--probe-address cannot be 'x'")]
    [InlineData("apply --netns a --virtual-interface 1;x", "--virtual-interface cannot be '1;x'")]
    [InlineData("apply --netns a --annotation x", "--annotation cannot be 'x'")]
    [InlineData("apply --netns a --whatever", "unexpected argument '--whatever'")]
    public void Parse_CannotBeUnderstood_SaysWhy(string line, string reason) => Assert.Contains(
        reason, Assert.Throws<UsageException>(() => Parse(line)).Message, StringComparison.Ordinal);

    private static RedirectOptions Parse(string line) => RedirectOptions.Parse(
        line.Split(' ', StringSplitOptions.RemoveEmptyEntries), warning => Assert.Fail(warning));
}
