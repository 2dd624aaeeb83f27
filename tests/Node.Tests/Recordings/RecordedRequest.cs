using System.Text.Json;
using Fixtures;

namespace Node.Tests.Recordings;

/// <summary>
/// One situation of <c>fixtures/hbone/inbound.json</c>: what a client sent to 15008, and what came back.
/// </summary>
/// <param name="Name">The situation.</param>
/// <param name="Sent">The client's frames after its preface and SETTINGS.</param>
/// <param name="Frames">The answer.</param>
/// <param name="Tls">What the handshake agreed on.</param>
/// <param name="EndsWithAlert">Whether the server refused the client in the handshake.</param>
internal sealed record RecordedRequest(
    string Name, byte[][] Sent, RecordedFrame[] Frames, RecordedTls Tls, bool EndsWithAlert)
{
    private static readonly Dictionary<string, RecordedRequest> All = Load();

    public static IEnumerable<string> Names => All.Keys;

    /// <summary>The client's certificate; none in the situation that is about that.</summary>
    public string? Identity => Name switch
    {
        "no certificate" => null,
        "denied: identity" => "spiffe://cluster.local/ns/other/sa/bad",
        _ => "spiffe://cluster.local/ns/default/sa/a",
    };

    public static RecordedRequest Of(string name) => All[name];

    private static Dictionary<string, RecordedRequest> Load()
    {
        using var document = JsonDocument.Parse(Fixture.Read("hbone", "inbound.json"));
        return document.RootElement.EnumerateArray().Select(Parse).ToDictionary(request => request.Name);
    }

    private static RecordedRequest Parse(JsonElement situation) => new(
        situation.GetProperty("case").GetString()!,
        [.. situation.GetProperty("sent").EnumerateArray().Select(frame => Convert.FromHexString(frame.GetString()!))],
        [.. situation.GetProperty("frames").EnumerateArray().Select(RecordedFrame.Parse)],
        RecordedTls.Parse(situation),
        situation.TryGetProperty("ended", out _));
}
