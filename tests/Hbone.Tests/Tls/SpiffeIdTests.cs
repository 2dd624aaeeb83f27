using Hbone.Tls;

namespace Hbone.Tests.Tls;

public class SpiffeIdTests
{
    [Theory]
    [InlineData("spiffe://cluster.local/ns/default/sa/a", "cluster.local", "default", "a")]
    [InlineData("spiffe://td.with.dots/ns/n.s/sa/s.a", "td.with.dots", "n.s", "s.a")]
    [InlineData("spiffe:///ns//sa/", "", "", "")]
    public void T1_TryParse_IstioShape_Read(string text, string trustDomain, string ns, string serviceAccount)
    {
        Assert.True(SpiffeId.TryParse(text, out var id));

        Assert.Equal(new SpiffeId(trustDomain, ns, serviceAccount), id);
        Assert.Equal(text, id.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cluster.local/ns/default/sa/a")]
    [InlineData("https://cluster.local/ns/default/sa/a")]
    [InlineData("spiffe://cluster.local/ns/default/sa")]
    [InlineData("spiffe://cluster.local/ns/default/sa/a/")]
    [InlineData("spiffe://cluster.local/namespace/default/sa/a")]
    public void T1_TryParse_OtherShape_Refused(string? text) => Assert.False(SpiffeId.TryParse(text, out _));

    [Theory]
    [InlineData(2_048, true)]
    [InlineData(2_049, false)] // SPIFFE-ID section 2.3
    public void TryParse_Length_AtMost2048(int length, bool isRead)
    {
        var text = "spiffe://cluster.local/ns/default/sa/".PadRight(length, 'a');

        Assert.Equal(isRead, SpiffeId.TryParse(text, out _));
    }
}
