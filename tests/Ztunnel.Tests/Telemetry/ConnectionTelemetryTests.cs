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

    [Fact]
    public void OpenConnection_IsToldOfAtItsIntervalUntilItEnds()
    {
        _log.Sink.Filter = LogFilter.Parse("info");
        using var connection = OpenWithProgress();
        connection.AddReceived(3);
        _log.Time.Advance(TimeSpan.FromSeconds(60));
        _log.Time.Advance(TimeSpan.FromSeconds(30));
        connection.AddSent(5);
        _log.Time.Advance(TimeSpan.FromSeconds(30));
        _log.Time.Advance(TimeSpan.FromSeconds(20));
        connection.Close(null);
        _log.Time.Advance(TimeSpan.FromMinutes(10));

        var lines = _log.Lines();

        Assert.Equal(
            [
                ("connection in progress", "bytes_sent=3 bytes_recv=0 duration=\"60000ms\""),
                ("connection in progress", "bytes_sent=3 bytes_recv=5 duration=\"120000ms\""),
                ("connection complete", "bytes_sent=3 bytes_recv=5 duration=\"140000ms\""),
            ],
            lines.Select(line => (line.Split('\t')[3], line[AmountsIn(line)..])));
        Assert.Single(lines.Select(line => line.Split('\t')[4][..^line[AmountsIn(line)..].Length]).Distinct());

        static int AmountsIn(string line) => line.IndexOf("bytes_sent", StringComparison.Ordinal);
    }

    [Fact]
    public void OpenConnection_LogOff_IsNotToldOf()
    {
        _log.Sink.Filter = LogFilter.Parse("warn");
        using var connection = OpenWithProgress();

        _log.Time.Advance(TimeSpan.FromMinutes(5));

        Assert.Empty(_log.Lines());
    }

    private ConnectionTelemetry OpenWithProgress() => new TelemetryHub(_metrics, new AccessLog(_log.Sink), _log.Time)
    {
        ProgressInterval = TimeSpan.FromMinutes(1),
    }.Open(_facts);

    private ConnectionTelemetry Open() => new TelemetryHub(_metrics, new AccessLog(_log.Sink), _log.Time).Open(_facts, new ConnectionTable());
}
