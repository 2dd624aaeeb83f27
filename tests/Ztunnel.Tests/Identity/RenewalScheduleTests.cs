using Ztunnel.Identity;

namespace Ztunnel.Tests.Identity;

public sealed class RenewalScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 8, 20, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, 1000, 450, 500)]
    [InlineData(-120, 1000, 450, 500)] // back-dated: counted from now
    [InlineData(-1000, 1, 1, 1)] // nearly over: not at once, or a bad CA would be asked in a hot loop
    public void T11_AfterSuccess_IsShortlyBeforeHalfLife(int notBefore, int notAfter, double earliest, double latest)
    {
        var certificate = TestCertificates.Issue(
            TestCertificates.Alice, Now.AddSeconds(notBefore), Now.AddSeconds(notAfter));

        var due = new RenewalSchedule().AfterSuccess(certificate, Now);

        Assert.InRange(due, Now.AddSeconds(earliest), Now.AddSeconds(latest));
    }

    /// <summary>As long as more lies between them than the spread of a twentieth of their life.</summary>
    [Fact]
    public void T3_AfterSuccess_IssuedInTurn_AreDueInThatOrder()
    {
        for (var draw = 0; draw < 100; draw++)
        {
            var due = Enumerable.Range(0, 4).Select(i =>
            {
                var now = Now.AddHours(2 * i);
                return new RenewalSchedule().AfterSuccess(
                    TestCertificates.Issue(TestCertificates.Alice, now, now.AddDays(1)), now);
            }).ToArray();

            Assert.Equal(due.Order(), due);
        }
    }

    [Fact]
    public void T11_AfterSuccess_NotYetValid_IsDueAtOnceWithBackoff()
    {
        var schedule = new RenewalSchedule();
        var fromTheFuture = TestCertificates.Issue(TestCertificates.Alice, Now.AddHours(1), Now.AddDays(1));

        foreach (var seconds in (int[])[1, 2, 4])
        {
            var due = schedule.AfterSuccess(fromTheFuture, Now);

            Assert.InRange((due - Now).TotalSeconds, seconds * 0.8, seconds * 1.2);
        }
    }

    [Fact]
    public void AfterFailure_DoublesUpToTheMaximumWithinTheSpread()
    {
        var schedule = new RenewalSchedule();

        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 32, 64, 128, 150, 150])
        {
            Assert.InRange((schedule.AfterFailure(Now) - Now).TotalSeconds, seconds * 0.8, seconds * 1.2);
        }
    }

    [Fact]
    public void AfterFailure_AfterSuccess_StartsAnew()
    {
        var schedule = new RenewalSchedule();
        schedule.AfterFailure(Now);
        schedule.AfterFailure(Now);

        schedule.AfterSuccess(TestCertificates.Issue(TestCertificates.Alice, Now, Now.AddDays(1)), Now);

        Assert.InRange((schedule.AfterFailure(Now) - Now).TotalSeconds, 0.8, 1.2);
    }
}
