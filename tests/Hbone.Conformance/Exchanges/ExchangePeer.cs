using System.Text.Json;
using Hbone.Conformance.Peers;

namespace Hbone.Conformance.Exchanges;

/// <summary>An implementation of HTTP/2 that is not ours and plays one side of a plan.</summary>
internal sealed class ExchangePeer : IAsyncDisposable
{
    private readonly PeerProcess _process;

    private ExchangePeer(PeerProcess process)
    {
        _process = process;
    }

    /// <summary>Port that a server listens on, at 127.0.0.1.</summary>
    public int Port { get; private set; }

    /// <summary>Starts a server and waits until it listens.</summary>
    /// <param name="script">Whose.</param>
    /// <param name="certificate">Its identity and trust.</param>
    /// <param name="plan">What it plays.</param>
    /// <param name="options">As in the script.</param>
    /// <param name="cancellationToken">Gives up; the process ends.</param>
    public static async Task<ExchangePeer> StartServerAsync(
        ExchangeScript script,
        TestCertificates.PemFiles certificate,
        ExchangePlan plan,
        string[] options,
        CancellationToken cancellationToken)
    {
        var peer = new ExchangePeer(Start(script, "server", certificate, plan, options));
        try
        {
            var report = await peer._process.ReadReportAsync("listening", cancellationToken);
            peer.Port = report.GetProperty("port").GetInt32();
            return peer;
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a client to its end.</summary>
    /// <returns>Its reports, of which the last is <c>done</c>.</returns>
    public static async Task<List<JsonElement>> RunClientAsync(
        ExchangeScript script,
        TestCertificates.PemFiles certificate,
        int port,
        ExchangePlan plan,
        string[] options,
        CancellationToken cancellationToken)
    {
        await using var process = Start(script, "client", certificate, plan, [$"--port={port}", .. options]);
        var reports = new List<JsonElement>();
        while (reports.Count == 0 || !IsOf("done", reports[^1]))
        {
            reports.Add(await process.ReadReportAsync(cancellationToken));
        }

        return reports;
    }

    /// <summary>The outcomes among reports.</summary>
    public static IEnumerable<ExchangeOutcome> OutcomesIn(IEnumerable<JsonElement> reports) =>
        reports.Where(report => IsOf("outcome", report)).Select(ExchangeOutcome.From);

    public static bool IsOf(string kind, JsonElement report) => report.GetProperty("event").GetString() == kind;

    /// <summary>A server's reports, until there are so many outcomes among them.</summary>
    public async Task<List<JsonElement>> ReadReportsAsync(int outcomes, CancellationToken cancellationToken)
    {
        var reports = new List<JsonElement>();
        while (outcomes > 0)
        {
            reports.Add(await _process.ReadReportAsync(cancellationToken));
            outcomes -= IsOf("outcome", reports[^1]) ? 1 : 0;
        }

        return reports;
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static PeerProcess Start(
        ExchangeScript script,
        string role,
        TestCertificates.PemFiles certificate,
        ExchangePlan plan,
        string[] options) =>
        PeerProcess.Start(
            script.Program,
            [
                .. script.Arguments, PeerProcess.ScriptPath(script.File), role,
                $"--cert={certificate.Certificate}", $"--key={certificate.Key}", $"--ca={certificate.Authority}",
                $"--plan={plan.PlanFile}", $"--pattern={plan.PatternFile}",
                .. options,
            ]);
}
