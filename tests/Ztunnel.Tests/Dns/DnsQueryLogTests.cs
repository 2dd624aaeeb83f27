using Microsoft.Extensions.Logging;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Telemetry;
using static Ztunnel.Tests.Dns.Messages;
using static Ztunnel.Tests.Mesh.TestMesh;

namespace Ztunnel.Tests.Dns;

/// <summary>The debug line of each query: control-plane 6.6 and 6.7.</summary>
public sealed class DnsQueryLogTests
{
    [Fact]
    public async Task Lines_HaveIstiosKeysAndWords()
    {
        using var log = new LogCapture(LogFormat.Plain, "off,dns=debug");
        using var loggers = new LoggerFactory([log.Sink], new LoggerFilterOptions { MinLevel = LogLevel.Trace });
        await using var server = ScriptedNameServer.Failing(3);
        object[] mesh =
        [
            DnsFixture.ClientPod,
            Service("echo.ns1.svc.cluster.local", "80:80", "10.0.0.1", "10.0.0.2"),
            Service("four.ns1.svc.cluster.local", "80:80", "10.0.0.3") with { IpFamilies = Ztunnel.Mesh.IpFamilies.IPv4 },
        ];
        await using (var dns = new DnsFixture(mesh, [server.Address], loggers: loggers))
        {
            await dns.AskAsync(Query("Echo"));
            await dns.AskAsync(Query("echo", 28));
            await dns.AskAsync(Query("four", 28));
            await dns.AskAsync(Query("www.example.com", 16));
        }

        const string Start = "debug\tdns\t\tsrc.workload=\"client\" src.namespace=\"ns1\"";
        Assert.Equal(
            [
                $"{Start} query=\"A\" domain=\"Echo.\" result=\"success\" endpoints=2",
                $"{Start} query=\"AAAA\" domain=\"echo.\" result=\"no records\" endpoints=0",
                $"{Start} query=\"AAAA\" domain=\"four.\" result=\"service does not support this record type\" endpoints=0",
                $"{Start} query=\"TXT\" domain=\"www.example.com.\" result=\"forwarded\" endpoints=0",
            ],
            log.Lines().Where(line => line.Contains("\tdns\t", StringComparison.Ordinal)).Select(line => line[(line.IndexOf('\t', StringComparison.Ordinal) + 1)..]));
    }
}
