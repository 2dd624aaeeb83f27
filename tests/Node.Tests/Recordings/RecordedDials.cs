using System.Net;
using System.Text.Json;
using Fixtures;

namespace Node.Tests.Recordings;

/// <summary>
/// One situation of <c>fixtures/hbone/outbound.json</c>: what applications dialled and what the server got.
/// </summary>
/// <param name="Name">The situation.</param>
/// <param name="Dials">The addresses, one after the other.</param>
/// <param name="Client">What each client saw.</param>
/// <param name="Connections">The connections that reached the server.</param>
/// <param name="SourceLog">The access lines.</param>
internal sealed record RecordedDials(
    string Name, IPEndPoint[] Dials, string[] Client, RecordedDials.Connection[] Connections, string[] SourceLog)
{
    private static readonly Dictionary<string, RecordedDials> All = Load();

    public static IEnumerable<string> Names => All.Keys;

    public static RecordedDials Of(string name) => All[name];

    private static Dictionary<string, RecordedDials> Load()
    {
        using var document = JsonDocument.Parse(Fixture.Read("hbone", "outbound.json"));
        return document.RootElement.EnumerateArray().Select(Parse).ToDictionary(situation => situation.Name);
    }

    private static RecordedDials Parse(JsonElement situation) => new(
        situation.GetProperty("case").GetString()!,
        [.. Strings(situation.GetProperty("dials")).Select(IPEndPoint.Parse)],
        [.. Strings(situation.GetProperty("client"))],
        [.. situation.GetProperty("connections").EnumerateArray().Select(Connection.Parse)],

        // The reference also logs that a connection ended; that is not the access log.
        [.. Strings(situation.GetProperty("source_log")).Where(AccessLines.IsAccess)]);

    private static IEnumerable<string> Strings(JsonElement array) =>
        array.EnumerateArray().Select(item => item.GetString()!);

    /// <summary>A connection as the server saw it.</summary>
    /// <param name="Frames">Everything after the preface.</param>
    /// <param name="Tls">What the handshake agreed on; <see langword="null"/> if the proxy refused.</param>
    /// <param name="PeerUris">The URI names of the proxy's certificate.</param>
    internal sealed record Connection(RecordedFrame[] Frames, RecordedTls? Tls, string[] PeerUris)
    {
        public static Connection Parse(JsonElement connection) => connection.TryGetProperty("ended", out _)
            ? new Connection([], Tls: null, [])
            : new Connection(
                [.. connection.GetProperty("frames").EnumerateArray().Select(RecordedFrame.Parse)],
                RecordedTls.Parse(connection),
                [.. connection.GetProperty("peer").EnumerateArray().Select(name => $"{name[0]}:{name[1]}")]);
    }
}
