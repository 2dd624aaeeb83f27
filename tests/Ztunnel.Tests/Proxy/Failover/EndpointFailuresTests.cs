using System.Net;
using Fixtures;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Routing;
using Ztunnel.Proxy.Failover;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Proxy.Failover;

public sealed class EndpointFailuresTests : IDisposable
{
    private static readonly Workload A = Pod("a", "10.0.0.2", "fd00::2");
    private static readonly EndpointKey KeyOfA = Key(A);

    private readonly ManualTime _time = new();
    private readonly FailoverMetrics _metrics = new();
    private readonly CategoryLoggers _log = new();
    private readonly EndpointFailures _failures;

    public EndpointFailuresTests() => _failures = new EndpointFailures(
        new WorkloadInfo("client", "ns1", "client"),
        _metrics,
        _log.CreateLogger<EndpointFailures>(),
        new Random(5),
        _time);

    private string[] Lines => _log.LinesOf<EndpointFailures>(LogLevel.Information);

    public void Dispose()
    {
        _failures.Dispose();
        _log.Dispose();
    }

    [Fact]
    public void ThirdFailureInARow_Ejects_AndTimeReturns()
    {
        Fail(KeyOfA, times: 2);
        Assert.Null(_failures.Ejected);

        Fail(KeyOfA);

        Assert.True(_failures.Ejected!.Contains(A, 8080));
        Assert.False(_failures.Ejected.Contains(A, 8081));
        Assert.Equal((1, 1), (_metrics.Ejections, _metrics.Ejected));
        _time.Advance(TimeSpan.FromSeconds(3.9));
        Assert.NotNull(_failures.Ejected);
        _time.Advance(TimeSpan.FromSeconds(2.2));
        Assert.Null(_failures.Ejected);
        Assert.Equal((1, 0), (_metrics.Ejections, _metrics.Ejected));
        Assert.Collection(
            Lines,
            line =>
            {
                Assert.StartsWith("endpoint ejected by pod client.ns1 (client) for ", line, StringComparison.Ordinal);
                Assert.EndsWith(
                    " ms after 3 failures in a row, the last: it is dead\tcluster1//Pod/ns1/a 10.0.0.2:8080",
                    line,
                    StringComparison.Ordinal);
            },
            line => Assert.Equal(
                "endpoint used again by pod client.ns1 (client): its time is over\tcluster1//Pod/ns1/a 10.0.0.2:8080",
                line));
    }

    [Fact]
    public void EachFurtherFailure_DoublesTheTime_UpToFiveMinutes()
    {
        Fail(KeyOfA, times: 2);

        foreach (var seconds in new[] { 5, 10, 20, 40, 80, 160, 300, 300, 300 })
        {
            Fail(KeyOfA);
            _time.Advance(TimeSpan.FromSeconds((0.8 * seconds) - 0.1));
            Assert.NotNull(_failures.Ejected);
            _time.Advance(TimeSpan.FromSeconds((0.4 * seconds) + 0.2));
            Assert.Null(_failures.Ejected);
        }

        Assert.Equal(9, _metrics.Ejections);
    }

    [Fact]
    public void Times_AreSpread()
    {
        EndpointKey[] keys = [.. Enumerable.Range(0, 100).Select(i => Key(Pod($"p{i}", "10.0.0.2")))];
        foreach (var key in keys)
        {
            Fail(key, times: 3);
        }

        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.InRange(_failures.Ejected!.Keys.Count, 25, 75);
    }

    [Fact]
    public void Success_ForgetsFailures_AndReturnsAtOnce()
    {
        Fail(KeyOfA, times: 2);
        _failures.Succeeded(KeyOfA);
        Fail(KeyOfA, times: 2);
        Assert.Null(_failures.Ejected);

        Fail(KeyOfA);
        _failures.Succeeded(KeyOfA);

        Assert.Null(_failures.Ejected);
        Assert.Equal(0, _metrics.Ejected);
        Assert.EndsWith("connected\tcluster1//Pod/ns1/a 10.0.0.2:8080", Lines[^1], StringComparison.Ordinal);
        Fail(KeyOfA, times: 2);
        Assert.Null(_failures.Ejected);
    }

    [Fact]
    public void AttemptsUnderWayTogether_AreOneFailure()
    {
        for (var round = 0; round < 3; round++)
        {
            Assert.Null(_failures.Ejected);
            var began = _time.GetTimestamp();
            _time.Advance(TimeSpan.FromSeconds(1));
            for (var i = 0; i < 50; i++)
            {
                _failures.Failed(KeyOfA, began, "it is dead");
            }

            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.NotNull(_failures.Ejected);
    }

    [Fact]
    public void WhileEjected_FurtherFailures_DoNotProlong()
    {
        Fail(KeyOfA, times: 3);
        _time.Advance(TimeSpan.FromSeconds(2));

        Fail(KeyOfA, times: 10);

        Assert.Equal(1, _metrics.Ejections);
        _time.Advance(TimeSpan.FromSeconds(4.1));
        Assert.Null(_failures.Ejected);
    }

    [Fact]
    public void TenMinutesWithoutAttempts_AreForgotten()
    {
        Fail(KeyOfA, times: 2);
        _time.Advance(TimeSpan.FromMinutes(11));

        Fail(KeyOfA, times: 2);

        Assert.Null(_failures.Ejected);
    }

    [Fact]
    public void ManyEndpoints_AreBounded()
    {
        for (var i = 0; i < 3 * EndpointFailures.MaxTracked; i++)
        {
            Fail(Key(Pod($"p{i}", "10.0.0.2")), times: 3);
        }

        Assert.Equal(EndpointFailures.MaxEjected, _failures.Ejected!.Keys.Count);
        Assert.Equal(EndpointFailures.MaxEjected, _metrics.Ejected);
        _time.Advance(TimeSpan.FromSeconds(7));
        Assert.Null(_failures.Ejected);
        Fail(KeyOfA, times: 3);
        Assert.True(_failures.Ejected!.Contains(A, 8080));
    }

    [Fact]
    public void Disposed_CountsNothingAnyMore()
    {
        Fail(KeyOfA, times: 3);

        _failures.Dispose();
        Fail(KeyOfA, times: 3);

        Assert.Null(_failures.Ejected);
        Assert.Equal((1, 0), (_metrics.Ejections, _metrics.Ejected));
    }

    private static EndpointKey Key(Workload workload) =>
        new(workload.Uid, new IPEndPoint(workload.Addresses[0], 8080));

    private void Fail(EndpointKey key, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _failures.Failed(key, _time.GetTimestamp(), "it is dead");
        }
    }
}
