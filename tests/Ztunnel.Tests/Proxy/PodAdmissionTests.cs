using Ztunnel.Proxy;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.Proxy;

public sealed class PodAdmissionTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void MostConnections_Reached_NamesTheSetting()
    {
        var admission = new PodAdmission(mostConnections: 3, mostPerSecond: 0, _time);

        Assert.Null(admission.Refusal(2));
        Assert.Equal("3 are open (POD_MAX_CONNECTIONS)", admission.Refusal(3));
        Assert.Null(admission.Refusal(2));
        Assert.Equal(1, admission.Refused);
    }

    [Fact]
    public void Rate_SpentAtOnce_ComesBackOverTheSecond()
    {
        var admission = new PodAdmission(mostConnections: 0, mostPerSecond: 10, _time);

        Assert.Equal(10, AdmittedOf(20));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(5, AdmittedOf(20));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(10, AdmittedOf(20));
        Assert.Equal(35, admission.Refused);
        Assert.Equal("more than 10 a second (POD_MAX_CONNECTION_RATE)", admission.Refusal(0));

        int AdmittedOf(int attempts) => Enumerable.Range(0, attempts).Count(_ => admission.Refusal(0) is null);
    }

    [Fact]
    public void Rate_AskedInTinySteps_LosesNothing()
    {
        var admission = new PodAdmission(mostConnections: 0, mostPerSecond: 3, _time);
        var admitted = 0;
        for (var i = 0; i < 10_000; i++)
        {
            admitted += admission.Refusal(0) is null ? 1 : 0;
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(admitted, 32, 33); // three at once, then three a second for ten seconds
    }

    [Fact]
    public void Zero_IsNoLimit()
    {
        var admission = new PodAdmission(mostConnections: 0, mostPerSecond: 0, _time);

        Assert.All(Enumerable.Range(0, 100_000), connections => Assert.Null(admission.Refusal(connections)));
        Assert.Equal(0, admission.Refused);
    }

    [Fact]
    public void MayReport_Flood_IsTrueOnceASecond()
    {
        var admission = new PodAdmission(mostConnections: 1, mostPerSecond: 0, _time);

        Assert.Equal(1, ReportsOf(100));
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal(0, ReportsOf(100));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(1, ReportsOf(100));

        int ReportsOf(int asked) => Enumerable.Range(0, asked).Count(_ => admission.MayReport());
    }
}
