using System.Text.Json;

namespace Node.Tests.Routes;

/// <summary>A CONNECT as a waypoint saw it.</summary>
internal sealed class WaypointRequest(JsonElement line)
{
    /// <summary>The caller's names, as OpenSSL prints them: <c>URI:spiffe://...</c>.</summary>
    public string Peer => line.GetProperty("peer").GetString()!;

    /// <summary>In the order on the wire, pseudo headers included.</summary>
    public IReadOnlyList<string> Names => [.. line.GetProperty("headers").EnumerateObject().Select(header => header.Name)];

    /// <summary>A header's value; null when there is none.</summary>
    public string? this[string name] =>
        line.GetProperty("headers").TryGetProperty(name, out var value) ? value.GetString() : null;
}
