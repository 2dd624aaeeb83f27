using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Fixtures;
using Hbone.Tls;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

/// <summary>
/// One line of the recorded access logs, and the same connection told to our telemetry: addresses, byte counts,
/// duration and error are taken from the line, what belongs to the mesh data from <see cref="RecordedMesh"/>.
/// </summary>
internal sealed record RecordedSituation(string Name, Reporter Reporter, ConnectionFacts Facts, string Line)
{
    private static readonly SpiffeId BadIdentity = new("cluster.local", "other", "bad");

    public string? Error => Value("error");

    public bool IsRefusal => Line.Contains("connection failed\t", StringComparison.Ordinal)
        || Line.Contains("\"connection failed\",", StringComparison.Ordinal);

    public ConnectionFailure Failure => Error switch
    {
        null => ConnectionFailure.None,
        var error when error.Contains("policy rejection", StringComparison.Ordinal) => ConnectionFailure.Deny,
        _ => ConnectionFailure.Connect,
    };

    /// <summary>All recorded lines of one log form.</summary>
    public static IEnumerable<RecordedSituation> All(string file)
    {
        using var cases = JsonDocument.Parse(Fixture.Read("logs", file));
        foreach (var recorded in cases.RootElement.EnumerateArray())
        {
            var name = recorded.GetProperty("case").GetString()!;
            foreach (var (log, reporter) in ((string, Reporter)[])
                [("source_log", Reporter.Source), ("destination_log", Reporter.Destination)])
            {
                if (recorded.TryGetProperty(log, out var lines) && lines.GetArrayLength() > 0)
                {
                    yield return Create(name, reporter, lines[0].GetString()!);
                }
            }
        }
    }

    /// <summary>Replays the connection; the clock moves by its duration.</summary>
    public void Replay(TelemetryHub telemetry, Identity.ManualTime time)
    {
        if (IsRefusal)
        {
            var refusal = new ProxyException(Failure, Error!);
            telemetry.Refuse(Reporter, Facts.SourceAddress, Facts.DestinationAddress, refusal);
            return;
        }

        var connection = telemetry.Open(Facts);
        connection.AddReceived(Number("bytes_sent"));
        connection.AddSent(Number("bytes_recv"));
        time.Advance(TimeSpan.FromMilliseconds(Number("duration")));
        connection.Close(Error is null ? null : new ProxyException(Failure, Error));
    }

    private static RecordedSituation Create(string name, Reporter reporter, string line)
    {
        var hbone = Value(line, "dst.hbone_addr");
        var facts = (reporter, name) switch
        {
            (Reporter.Destination, "HBONE: denied identity") => RecordedMesh.Inbound(hbone, BadIdentity),
            (Reporter.Destination, _) => RecordedMesh.Inbound(hbone),
            (_, "success by service VIP" or "success by service VIP over IPv6" or "denied by service port") =>
                RecordedMesh.Outbound(RecordedMesh.B, RecordedMesh.ServiceB, hbone),
            (_, "service with unreachable waypoint") =>
                RecordedMesh.Outbound(RecordedMesh.Waypoint, RecordedMesh.ViaWaypoint, hbone),
            (_, "unhealthy plaintext workload that does not exist") => RecordedMesh.Outbound(RecordedMesh.Plain),
            (_, "unknown destination, nobody there" or "CIDR service") => RecordedMesh.Outbound(null),
            _ => RecordedMesh.Outbound(RecordedMesh.B, service: null, hbone),
        };
        return new RecordedSituation(name, reporter, facts with
        {
            SourceAddress = IPEndPoint.Parse(Value(line, "src.addr")!),
            DestinationAddress = IPEndPoint.Parse(Value(line, "dst.addr")!),
        }, line);
    }

    private string? Value(string key) => Value(Line, key);

    private long Number(string key) =>
        long.Parse(Value(key)!.Replace("ms", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    private static string? Value(string line, string key)
    {
        // key=bare, key="quoted" or "key":json
        var name = Regex.Escape(key);
        var match = Regex.Match(line, $"(?:[\t ]{name}=|\"{name}\":)(?:\"([^\"]*)\"|([^ ,}}]*))");
        return !match.Success ? null : match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value;
    }
}
