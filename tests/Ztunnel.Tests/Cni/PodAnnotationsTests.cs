using Redirection.Rules;
using Ztunnel.Cni;

namespace Ztunnel.Tests.Cni;

/// <summary>Annotations of a pod; node-integration 3.5.</summary>
public sealed class PodAnnotationsTests
{
    private const string Bypass = "ambient.istio.io/bypass-inbound-capture";
    private const string Dns = "ambient.istio.io/dns-capture";
    private const string Interfaces = "istio.io/reroute-virtual-interfaces";

    private readonly List<string> _warnings = [];

    [Theory]
    [InlineData("1", true)]
    [InlineData("t", true)]
    [InlineData("T", true)]
    [InlineData("true", true)]
    [InlineData("TRUE", true)]
    [InlineData("True", true)]
    [InlineData("0", false)]
    [InlineData("f", false)]
    [InlineData("F", false)]
    [InlineData("false", false)]
    [InlineData("FALSE", false)]
    [InlineData("False", false)]
    public void Apply_GoBoolean_IsTaken(string text, bool value)
    {
        Assert.Equal(!value, Apply(new InPodRules { CaptureInbound = value }, Bypass, text).CaptureInbound);
        Assert.Equal(value, Apply(new InPodRules { CaptureDns = !value }, Dns, text).CaptureDns);
        Assert.Empty(_warnings);
    }

    [Theory]
    [InlineData("")]
    [InlineData("yes")]
    [InlineData("tRUE")]
    [InlineData(" true")]
    public void Apply_AnythingElse_IsIgnoredWithAWarning(string text)
    {
        var rules = new InPodRules { CaptureDns = false };

        Assert.Equal(rules, Apply(Apply(rules, Bypass, text), Dns, text));
        Assert.Equal(2, _warnings.Count);
    }

    [Fact]
    public void Apply_Interfaces_AreCutAtCommasAndTrimmed() => Assert.Equal(
        ["net1", "net2"], Apply(new InPodRules(), Interfaces, " net1, net2 ,").VirtualInterfaces);

    [Fact]
    public void Apply_InterfaceThatCannotBe_IsIgnoredWithAWarning()
    {
        Assert.Empty(Apply(new InPodRules(), Interfaces, "net1,a b").VirtualInterfaces);
        Assert.Single(_warnings);
    }

    [Theory]
    [InlineData("ambient.istio.io/redirection", "enabled")]
    [InlineData("traffic.sidecar.istio.io/excludeOutboundPorts", "80")]
    public void Apply_OtherAnnotation_ChangesNothing(string key, string value)
    {
        var rules = new InPodRules();

        Assert.Same(rules, Apply(rules, key, value));
        Assert.Empty(_warnings);
    }

    private InPodRules Apply(InPodRules rules, string key, string value) =>
        PodAnnotations.Apply(rules, key, value, _warnings.Add);
}
