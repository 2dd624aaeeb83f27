using System.Text.Json;
using Hbone.Http2.Hpack;
using static Hbone.Tests.Http2.Hpack.HeaderBlocks;

namespace Hbone.Tests.Http2.Hpack;

/// <summary>Every header block recorded from a deployed HBONE proxy, connection by connection.</summary>
public class HboneRecordingTests
{
    private static readonly string[] Recordings = ["outbound.json", "inbound.json"];

    public static TheoryData<string, string> Connections
    {
        get
        {
            var connections =
                from recording in Recordings
                from situation in Situations(recording)
                where ConnectionsOf(situation).Any(connection => HeadersFramesOf(connection).Any())
                select (recording, situation.GetProperty("case").GetString()!);
            return [.. connections];
        }
    }

    [Theory]
    [MemberData(nameof(Connections))]
    public void HeaderBlocks_Recorded_DecodeAndEncodeTheSame(string recording, string situation)
    {
        var recorded = Situations(recording).Single(item => item.GetProperty("case").GetString() == situation);
        foreach (var connection in ConnectionsOf(recorded))
        {
            var decoder = NewDecoder();
            var encoder = new HpackEncoder();
            foreach (var frame in HeadersFramesOf(connection))
            {
                var block = Hex(frame.GetProperty("payload").GetString()!);
                var fields = FieldsOf(frame.GetProperty("headers"));

                Assert.Equal(fields, decoder.DecodeAll(block));
                Assert.Equal(block, encoder.EncodeAll(fields));
            }
        }
    }

    private static JsonElement.ArrayEnumerator Situations(string recording) =>
        JsonDocument.Parse(Fixture.Read("hbone", recording)).RootElement.EnumerateArray();

    private static JsonElement[] ConnectionsOf(JsonElement situation) =>
        situation.TryGetProperty("connections", out var connections) ? [.. connections.EnumerateArray()] : [situation];

    private static IEnumerable<JsonElement> HeadersFramesOf(JsonElement connection) =>
        connection.GetProperty("frames").EnumerateArray()
            .Where(frame => frame.GetProperty("type").GetString() == "HEADERS");
}
