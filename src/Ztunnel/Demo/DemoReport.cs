using System.Diagnostics;

namespace Ztunnel.Demo;

/// <summary>
/// What the demo prints. Plain text of one width, so that it looks the same in a terminal, a file and a CI log.
/// </summary>
internal sealed class DemoReport(TextWriter output)
{
    private const int NameWidth = 50;
    private const int PodWidth = 30;
    private const int LogLines = 15;

    /// <summary>Checks that went well so far.</summary>
    public int Passed { get; private set; }

    /// <summary>Checks that did not.</summary>
    public int Failed { get; private set; }

    /// <summary>A line of its own.</summary>
    public void Say(string text)
    {
        output.WriteLine(text);
        output.Flush();
    }

    /// <summary>The table's head.</summary>
    public void BeginTable()
    {
        Say("");
        Say($"{"",-6}{"check",-NameWidth}{"time",8}  remark");
        Say(new string('-', 6 + NameWidth + 8 + 30));
    }

    /// <summary>One line of the table, by doing what it is about.</summary>
    public async Task AddAsync(DemoCheck check, DemoCluster cluster, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            AddLine("ok", check.Name, started, await check.RunAsync(cluster, cancellationToken));
            Passed++;
        }
        catch (Exception e) when (e is CheckFailedException or CommandException)
        {
            AddLine("FAIL", check.Name, started, e.Message.ReplaceLineEndings(" "));
            Failed++;
        }
    }

    /// <summary>Who talked to whom, counted by the proxies themselves.</summary>
    public async Task DrawAsync(DemoCluster cluster, CancellationToken cancellationToken)
    {
        var atClient = await cluster.ClientProxy.ReadMetricsAsync(cancellationToken);
        var atServer = await cluster.ServerProxy.ReadMetricsAsync(cancellationToken);
        var tunnelled = Opened(atClient, "mutual_tls", ("destination_workload", "server"));
        var leaving = Opened(atClient, "unknown", ("destination_workload", "plain"));
        var entering = Opened(atServer, "unknown", ("source_workload", "plain"));
        var (client, server, plain) = (Addresses(cluster.Client), Addresses(cluster.Server), Addresses(cluster.Plain));

        var border = $"+{new string('-', PodWidth)}+";
        var gap = new string(' ', 26);
        Say("");
        Say($" {cluster.Client.Node.Name,-PodWidth} {gap}  {cluster.Server.Node.Name}");
        Say($"{border}{gap}{border}");
        SayRow("client, enrolled", "", "server, enrolled");
        SayRow(client, "HBONE, mutual TLS", server);
        SayRow("ns/default/sa/client", "=======================>", "ns/shop/sa/server");
        SayRow(
            $"{cluster.ClientProxy.Pod.Name}: 15001",
            $"{tunnelled} connections",
            $"{cluster.ServerProxy.Pod.Name}: 15008, 15006");
        Say($"{border}{gap}{border}");
        SayOpen("        |", "              ^");
        SayOpen("        |  plain TCP", $"              | plain TCP, {entering} connections");
        SayOpen($"        |  {leaving} connections", "              |");
        Say($"        |{new string(' ', PodWidth - 7)}{gap}{border}");
        SayRight($"        +{new string('-', 47)}> ", "plain, not enrolled");
        SayRight(new string(' ', PodWidth + 2 + 26), plain);
        Say($"{new string(' ', PodWidth + 2 + 26)}{border}");

        void SayRow(string left, string middle, string right) =>
            Say($"| {left,-(PodWidth - 1)}|{Center(middle)}| {right,-(PodWidth - 1)}|");
        void SayOpen(string left, string right) => Say($"{left,-(PodWidth + 2)}{gap}{right}");
        void SayRight(string left, string right) => Say($"{left}| {right,-(PodWidth - 1)}|");
        string Center(string text) => text.PadLeft((gap.Length + text.Length) / 2).PadRight(gap.Length);
    }

    /// <summary>Counts what went wrong outside of a check.</summary>
    public void CountFailure() => Failed++;

    /// <summary>The last line.</summary>
    public void Summarize() => Say(FormattableString.Invariant($"demo: {Passed} passed, {Failed} failed"));

    /// <summary>What the proxies said last, when a check failed.</summary>
    public void ShowLogs(DemoCluster cluster)
    {
        foreach (var proxy in new[] { cluster.ClientProxy, cluster.ServerProxy })
        {
            Say("");
            Say($"last lines of {proxy.Pod.Name}{(proxy.IsRunning ? "" : ", which has ended")}:");
            foreach (var lines in new[] { proxy.Log, proxy.Error })
            {
                Array.ForEach(lines.Since(lines.Count - LogLines), line => Say($"  {line}"));
            }
        }
    }

    private static string Opened(MetricSample[] metrics, string securityPolicy, (string, string) workload)
    {
        var opened = TelemetryChecks.Sum(
            metrics, "istio_tcp_connections_opened_total", workload, ("connection_security_policy", securityPolicy));
        return FormattableString.Invariant($"{opened:0}");
    }

    private static string Addresses(Pod pod) => $"{pod.IPv4}  {pod.IPv6}";

    private void AddLine(string verdict, string name, long started, string remark)
    {
        var seconds = FormattableString.Invariant($"{Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s");
        Say($"{verdict,-6}{name,-NameWidth}{seconds,8}  {remark}");
    }
}
