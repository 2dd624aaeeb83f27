using FsCheck;
using FsCheck.Xunit;
using Ztunnel.Config;

namespace Ztunnel.Tests.Config;

public class HumanDurationTests
{
    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("24h", 86_400_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1h 30m", 5_400_000)]
    [InlineData("1h + 30m", 5_400_000)]
    [InlineData("100ms", 100)]
    [InlineData("5000us", 5)]
    [InlineData("5000µs", 5)]
    [InlineData("3000000ns", 3)]
    [InlineData("2d", 172_800_000)]
    [InlineData("1w", 604_800_000)]
    [InlineData("2 minutes", 120_000)]
    [InlineData(" 10s ", 10_000)]
    [InlineData("10", 10_000)]
    [InlineData("0s", 0)]
    public void TryParse_Duration_Read(string text, long milliseconds)
    {
        Assert.True(HumanDuration.TryParse(text, out var duration));

        Assert.Equal(milliseconds, duration.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("+1s")]
    [InlineData("1s+")]
    [InlineData("1,5s")]
    [InlineData("1.5s")]
    [InlineData("1x")]
    [InlineData("10S")]
    [InlineData("18446744073709551616s")]
    [InlineData("18446744073709551615w")]
    [InlineData("10675200d")]
    public void TryParse_NoDuration_Refused(string text) => Assert.False(HumanDuration.TryParse(text, out _));

    [Property]
    public bool TryParse_PartsAddUp(NonNegativeInt hours, NonNegativeInt seconds) =>
        HumanDuration.TryParse($"{hours.Get}h{seconds.Get}s", out var duration)
            && duration == TimeSpan.FromHours(hours.Get) + TimeSpan.FromSeconds(seconds.Get);
}
