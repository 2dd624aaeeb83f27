using Ztunnel.InPod;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.InPod;

/// <summary>When the memory of removed pods is given back.</summary>
public sealed class MemoryTrimTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly List<string> _steps = [];
    private readonly MemoryTrim _trim;

    public MemoryTrimTests() => _trim = new MemoryTrim(_time, () => _steps.Add("collect"), () => _steps.Add("give back"));

    public void Dispose() => _trim.Dispose();

    [Fact]
    public void TooFewGone_NothingHappens()
    {
        Go(MemoryTrim.EnoughPods - 1);
        Pass(10);

        Assert.Empty(_steps);
    }

    [Fact]
    public void EnoughGone_OneCollectionThenOneReturn()
    {
        Go(500);
        Assert.Empty(_steps);

        Pass(1);
        Assert.Equal(["collect"], _steps);
        Pass(1);
        Assert.Equal(["collect", "give back"], _steps);
        Pass(10);
        Assert.Equal(2, _steps.Count);
    }

    [Fact]
    public void EnoughGoneOneByOne_CountTogether()
    {
        for (var i = 0; i < MemoryTrim.EnoughPods; i++)
        {
            Assert.Empty(_steps);
            Go(1);
            Pass(3);
        }

        Assert.Equal(["collect", "give back"], _steps);
    }

    [Fact]
    public void StillGoing_WaitsForAMoment()
    {
        Go(MemoryTrim.EnoughPods);
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(MemoryTrim.Moment / 2);
            Go(1);
        }

        Assert.Empty(_steps);
        Pass(2);
        Assert.Equal(["collect", "give back"], _steps);
    }

    [Fact]
    public void OneGoesBetweenTheSteps_CollectsAgain()
    {
        Go(MemoryTrim.EnoughPods);
        Pass(1);
        Go(1);
        Pass(2);

        Assert.Equal(["collect", "collect", "give back"], _steps);
    }

    [Fact]
    public void SecondRemoval_CountsFromZero()
    {
        Go(MemoryTrim.EnoughPods);
        Pass(2);
        Go(MemoryTrim.EnoughPods - 1);
        Pass(10);
        Assert.Equal(2, _steps.Count);

        Go(1);
        Pass(2);
        Assert.Equal(4, _steps.Count);
    }

    [Fact]
    public void Disposed_NothingHappens()
    {
        Go(MemoryTrim.EnoughPods);
        _trim.Dispose();
        Pass(10);

        Assert.Empty(_steps);
    }

    private void Go(int pods)
    {
        for (var i = 0; i < pods; i++)
        {
            _trim.PodGone();
        }
    }

    private void Pass(int moments)
    {
        for (var i = 0; i < moments; i++)
        {
            _time.Advance(MemoryTrim.Moment);
        }
    }
}
