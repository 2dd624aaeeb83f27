namespace Redirection.Tests;

public sealed class KeepaliveOptionsTests
{
    [Fact]
    public void UserTimeout_Defaults_IsTimePlusAllRetries() =>
        Assert.Equal(TimeSpan.FromSeconds(180 + (9 * 180)), new KeepaliveOptions().UserTimeout);

    [Fact]
    public void NegativeValues_AreRefused()
    {
        var negative = TimeSpan.FromSeconds(-1);

        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepaliveOptions { Time = negative });
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepaliveOptions { Interval = negative });
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepaliveOptions { Retries = -1 });
    }
}
