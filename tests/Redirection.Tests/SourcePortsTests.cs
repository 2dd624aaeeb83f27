namespace Redirection.Tests;

public sealed class SourcePortsTests
{
    [Theory]
    [InlineData("32768\t60999\n", 32_769, 60_999)]
    [InlineData("10240\t65000\n", 10_241, 64_999)]
    [InlineData("1025 1030", 1_026, 1_030)]
    [InlineData("40000 40001", 40_001, 40_001)]
    [InlineData("65534 65535", 65_535, 65_535)]
    public void TryNext_SomeRange_GivesTheOtherParityOnly(string text, int least, int most)
    {
        var ports = SourcePorts.Parse(text);

        for (var i = 0; i < 1_000; i++)
        {
            Assert.True(ports.TryNext(out var port));
            Assert.InRange(port, least, most);
            Assert.Equal(least % 2, port % 2);
        }
    }

    [Theory]
    [InlineData("40000 40000")]
    [InlineData("40001 40000")]
    [InlineData("40000")]
    [InlineData("")]
    [InlineData("40000 70000")]
    [InlineData("-1 5")]
    [InlineData("a b")]
    [InlineData("1 2 3")]
    public void TryNext_NoOrAnUnreadableRange_GivesNone(string text) => Assert.False(SourcePorts.Parse(text).TryNext(out _));
}
