using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed class ConnectionTelemetryTests : IDisposable
{
    private readonly LogCapture _log = new(LogFormat.Plain);
    private readonly TrafficMetrics _metrics = new(new MetricsRegistry());
    private readonly ConnectionFacts _facts =
        RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, "10.77.0.2:7007");

    public void Dispose() => _log.Dispose();

    [Fact]
    public void Close_Twice_CountsTheFirst()
    {
        var connection = Open();

        connection.Close(new ProxyException(ConnectionFailure.Deny, "no"));
        connection.Close(null);
        connection.Dispose();

        var closed = Assert.Single(_metrics.CountersFor(_facts).ClosedSamples());
        Assert.Equal(1, closed.Value);
        Assert.Single(_metrics.CountersFor(_facts).FailedSamples());
        Assert.Equal(2, _log.Lines().Length);
    }

    [Fact]
    public void Dispose_OpenConnection_ClosesItWithoutError()
    {
        using (Open())
        {
            _log.Time.Advance(TimeSpan.FromMilliseconds(12.7));
        }

        Assert.Equal(1, Assert.Single(_metrics.CountersFor(_facts).ClosedSamples()).Value);
        Assert.Empty(_metrics.CountersFor(_facts).FailedSamples());
        Assert.EndsWith("duration=\"12ms\"", _log.Lines()[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_OfTwoConnections_AddUpInMetricsOnly()
    {
        var one = Open();
        var two = Open();

        one.AddReceived(3);
        two.AddReceived(4);
        two.AddSent(5);

        Assert.Equal(7, _metrics.CountersFor(_facts).ReceivedBytes);
        Assert.Equal(5, _metrics.CountersFor(_facts).SentBytes);
        one.Close(null);
        Assert.Contains("bytes_sent=3 bytes_recv=0", _log.Lines()[^1], StringComparison.Ordinal);
    }

    private ConnectionTelemetry Open() => new TelemetryHub(_metrics, new AccessLog(_log.Sink), _log.Time).Open(_facts, new ConnectionTable());
}
