using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>What an HBONE server answered to <c>hbone-client.mjs</c>.</summary>
internal sealed record HboneAnswer(int? Status, IReadOnlyDictionary<string, string> Headers, string Body, string? Error)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Sends one CONNECT, and the payload once it is answered by 200.</summary>
    public static Task<HboneAnswer> ConnectAsync(
        Pod from, IPAddress to, string authority, CertificateFiles identity, CancellationToken cancellationToken)
    {
        var headers = new JsonObject { [":method"] = "CONNECT", [":authority"] = authority };
        return RequestAsync(from, to, headers, identity, cancellationToken);
    }

    /// <summary>Sends one request with these headers.</summary>
    public static async Task<HboneAnswer> RequestAsync(
        Pod from, IPAddress to, JsonObject headers, CertificateFiles identity, CancellationToken cancellationToken)
    {
        var argument = new JsonObject
        {
            ["host"] = to.ToString(),
            ["port"] = 15008,
            ["ca"] = identity.Authority,
            ["cert"] = identity.Certificate,
            ["key"] = identity.Key,
            ["headers"] = headers,
            ["payload"] = "hello world",
        };
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "hbone-client.mjs");
        var node = new ProcessSpec("node", script, argument.ToJsonString());
        var result = (await from.Namespace.RunAsync(node, cancellationToken, Limit)).Succeeded();

        using var answer = JsonDocument.Parse(result.Output);
        var root = answer.RootElement;
        var status = root.GetProperty("status");
        return new HboneAnswer(
            status.ValueKind == JsonValueKind.Number ? status.GetInt32() : null,
            root.GetProperty("headers").EnumerateObject().ToDictionary(h => h.Name, h => h.Value.ToString()),
            root.GetProperty("body").GetString()!,
            root.GetProperty("error").GetString());
    }
}
