using Redirection.Rules;
using Ztunnel.Cli;

namespace Ztunnel.Tests.Cli;

public sealed class ProbesOptionsTests
{
    [Fact]
    public void Parse_Everything_IsTaken()
    {
        var options = Parse(
            "apply --netns node --backend=iptables --ipv4-only --pod-address 10.0.0.2 --pod-address fd00::2 --user 1000"
            + " --probe-address 169.254.7.1 --probe-address fd00::1");

        Assert.Equal(RedirectAction.Apply, options.Action);
        Assert.Equal("/run/netns/node", options.Netns);
        Assert.Equal(RuleBackend.Iptables, options.Backend);
        Assert.False(options.Rules.Ipv6);
        Assert.Equal(1000u, options.Rules.ProberUser);
        Assert.Equal(["10.0.0.2", "fd00::2"], options.Rules.PodAddresses.Select(address => address.ToString()));
        Assert.Equal("169.254.7.1", options.Rules.ProbeAddress.ToString());
        Assert.Equal("fd00::1", options.Rules.ProbeAddressIpv6.ToString());
    }

    [Theory]
    [InlineData("", "expected apply, remove or show")]
    [InlineData("show", "--netns is missing")]
    [InlineData("show --netns a --user root", "--user cannot be 'root'")]
    [InlineData("show --netns a --user -1", "--user cannot be '-1'")]
    [InlineData("show --netns a --pod-address 10.0.0.0/8", "--pod-address cannot be '10.0.0.0/8'")]
    [InlineData("show --netns a --dns", "unexpected argument '--dns'")]
    public void Parse_CannotBeUnderstood_SaysWhy(string line, string reason) => Assert.Contains(
        reason, Assert.Throws<UsageException>(() => Parse(line)).Message, StringComparison.Ordinal);

    private static ProbesOptions Parse(string line) =>
        ProbesOptions.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
