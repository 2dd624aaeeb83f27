using System.Net;
using System.Text.Json;
using Fixtures;

namespace Node.Tests.Recordings;

/// <summary>One situation of <c>fixtures/logs/access-*.json</c>.</summary>
/// <param name="Name">The situation.</param>
/// <param name="Dial">Where the client in pod a connected to; <see langword="null"/> for bare HBONE requests.</param>
/// <param name="IsCaptured">Whether it did so through the proxy of its pod.</param>
/// <param name="Client">What the client saw.</param>
/// <param name="SourceLog">What the proxy of pod a wrote.</param>
/// <param name="DestinationLog">What the proxy of pod b wrote.</param>
internal sealed record RecordedSituation(
    string Name,
    IPEndPoint? Dial,
    bool IsCaptured,
    string Client,
    IReadOnlyList<string> SourceLog,
    IReadOnlyList<string> DestinationLog)
{
    /// <summary>Nobody answers there, which takes the kernel three seconds to find out.</summary>
    public bool IsSlow => SourceLog.Any(line => line.Contains("No route to host", StringComparison.Ordinal));

    /// <summary>The request of <c>fixtures/hbone/inbound.json</c> that a bare HBONE situation is about.</summary>
    public string? Request => Name switch
    {
        "HBONE: authority not ours" => "not ours",
        "HBONE: denied identity" => "denied: identity",
        "HBONE: recursive" => "recursive",
        "HBONE: hostname unknown" => "hostname unknown",
        "HBONE: GET" => "GET",
        _ => null,
    };

    /// <summary>All situations, in their order.</summary>
    /// <param name="logFormat"><c>plain</c> or <c>json</c>.</param>
    public static IReadOnlyList<RecordedSituation> All(string logFormat)
    {
        using var document = JsonDocument.Parse(Fixture.Read("logs", $"access-{logFormat}.json"));
        return [.. document.RootElement.EnumerateArray().Select(Parse)];
    }

    private static RecordedSituation Parse(JsonElement situation) => new(
        situation.GetProperty("case").GetString()!,
        situation.TryGetProperty("dial", out var dial) ? IPEndPoint.Parse(dial.GetString()!) : null,
        IsCaptured: situation.TryGetProperty("source_log", out _),
        situation.GetProperty("client").GetString()!,
        Lines(situation, "source_log"),
        Lines(situation, "destination_log"));

    private static string[] Lines(JsonElement situation, string key) =>
        situation.TryGetProperty(key, out var lines)
            ? [.. lines.EnumerateArray().Select(line => line.GetString()!)]
            : [];
}
