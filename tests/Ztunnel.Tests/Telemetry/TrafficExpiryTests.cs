using System.Collections.Concurrent;
using System.Text;
using Ztunnel.Mesh;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Mesh;

namespace Ztunnel.Tests.Telemetry;

public sealed class TrafficExpiryTests : IDisposable
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private readonly MetricsRegistry _registry = new();
    private readonly TrafficMetrics _metrics;
    private readonly MeshState _mesh;
    private readonly LogCapture _log = new(LogFormat.Plain, "off");
    private readonly TelemetryHub _telemetry;
    private readonly TrafficExpiry _expiry;

    public TrafficExpiryTests()
    {
        _metrics = new TrafficMetrics(_registry);
        _mesh = new MeshState(
            TestMesh.Empty.With(RecordedMesh.A, RecordedMesh.B, RecordedMesh.ServiceB), TimeProvider.System);
        _telemetry = new TelemetryHub(_metrics, new AccessLog(_log.Sink), _log.Time);
        _expiry = new TrafficExpiry(_metrics, _mesh, Lifetime, _log.Time);
    }

    private static ConnectionFacts ToB => RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007");

    public void Dispose()
    {
        _expiry.Dispose();
        _log.Dispose();
    }

    [Fact]
    public void WorkloadGone_SeriesLeavesALifetimeAfterTheLastConnection()
    {
        _telemetry.Open(ToB).Close(null);
        Change(mesh => mesh.Without(RecordedMesh.B));

        Pass(Lifetime - Period);
        Assert.Equal(1, _metrics.SeriesCount);
        _telemetry.Open(ToB).Close(null);
        Pass(Lifetime - Period);
        Assert.Equal(1, _metrics.SeriesCount);
        Pass(Period);

        Assert.Equal(0, _metrics.SeriesCount);
        Assert.Equal("# EOF\n", Scrape());
    }

    [Fact]
    public void WorkloadThere_SeriesStaysHoweverIdle()
    {
        _telemetry.Open(ToB).Close(null);

        Pass(Lifetime * 10);

        Assert.Equal(1, _metrics.SeriesCount);
    }

    [Fact]
    public void OpenConnection_KeepsTheSeriesOfAWorkloadThatIsGone()
    {
        using var open = _telemetry.Open(ToB);
        Change(mesh => mesh.Without(RecordedMesh.B));

        Pass(Lifetime * 10);

        Assert.Equal(1, _metrics.SeriesCount);
    }

    [Fact]
    public void PodGone_AnotherOfItsDeploymentKeepsTheSeries()
    {
        _telemetry.Open(ToB).Close(null);
        var other = RecordedMesh.B with { Uid = "another pod of b", Name = "b-2" };
        Change(mesh => mesh.With(other).Without(RecordedMesh.B));

        Pass(Lifetime * 2);
        Assert.Equal(1, _metrics.SeriesCount);
        Change(mesh => mesh.Without(other));
        Pass(Period);

        Assert.Equal(0, _metrics.SeriesCount);
    }

    [Fact]
    public void NewVersionOfADeployment_SeriesOfTheOldOneLeaves()
    {
        _telemetry.Open(ToB).Close(null);
        Change(mesh => mesh.With(RecordedMesh.B with { CanonicalRevision = "v3" }));

        Pass(Lifetime);

        Assert.Equal(0, _metrics.SeriesCount);
    }

    [Fact]
    public void ServiceGone_ItsSeriesLeaves()
    {
        _telemetry.Open(ToB).Close(null);
        _telemetry.Open(RecordedMesh.Outbound(RecordedMesh.B)).Close(null);
        Change(mesh => mesh.Without(RecordedMesh.ServiceB));

        Pass(Lifetime);

        Assert.Equal(1, _metrics.SeriesCount);
    }

    [Fact]
    public void EndOfItsOwnWords_LeavesWhenIdleAndAnUnknownOneStays()
    {
        var facts = RecordedMesh.Outbound(to: null, hbone: "far:80");
        _telemetry.Open(facts).Close(null);
        _telemetry.Open(facts with { DestinationFallback = new ClaimedLabels { WorkloadName = "w" } }).Close(null);
        Assert.Equal(2, _metrics.SeriesCount);

        Pass(Lifetime);

        Assert.Contains("destination_workload=\"unknown\"", Scrape(), StringComparison.Ordinal);
        Assert.Equal(1, _metrics.SeriesCount);
    }

    [Fact]
    public void Expired_ComesBackFromZero()
    {
        _telemetry.Open(ToB).AddReceived(5);
        var counters = _metrics.CountersFor(ToB);
        counters.Closed(ConnectionFailure.None, _log.Time.GetTimestamp());
        Assert.False(counters.TryRetire()); // the first connection is open still
        counters.Closed(ConnectionFailure.None, _log.Time.GetTimestamp());

        _metrics.Expire(counters);

        Assert.False(counters.TryUse());
        Assert.NotSame(counters, _metrics.CountersFor(ToB));
        Assert.Equal(0, _metrics.CountersFor(ToB).ReceivedBytes);
    }

    [Fact]
    public async Task ConnectionsAndExpiryAtOnce_NoneIsLost()
    {
        const int Connections = 20_000;
        var expired = new ConcurrentDictionary<TrafficCounters, byte>();
        using var done = new CancellationTokenSource();
        var expiring = Task.Run(
            () =>
            {
                while (!done.IsCancellationRequested)
                {
                    foreach (var unused in _metrics.UnusedSince(long.MaxValue))
                    {
                        expired[unused] = 0;
                        _metrics.Expire(unused);
                    }
                }
            },
            TestContext.Current.CancellationToken);

        Parallel.For(0, Connections, _ => _telemetry.Open(ToB).Close(null));
        await done.CancelAsync();
        await expiring;
        expired[_metrics.CountersFor(ToB)] = 0;

        Assert.Equal(Connections, expired.Keys.Sum(series => series.OpenedCount));
        Assert.Equal(Connections, expired.Keys.Sum(series => series.ClosedSamples().Sum(sample => sample.Value)));
        Assert.Equal(1, _metrics.SeriesCount);
    }

    private void Change(Func<MeshSnapshot, MeshSnapshot> change) => _mesh.Update(change);

    /// <summary>In steps, because a timer of this clock fires once in each.</summary>
    private void Pass(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Period)
        {
            _log.Time.Advance(Period);
        }
    }

    private string Scrape()
    {
        using var text = new MemoryStream();
        _registry.WriteAsync(text, TestContext.Current.CancellationToken).GetAwaiter().GetResult();
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
