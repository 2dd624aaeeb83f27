using System.Buffers.Binary;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Fixtures;
using Google.Protobuf;
using Ztunnel.Protos.Discovery;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>What a real istiod sent in one scenario, step by step; see the README of the fixtures.</summary>
internal sealed class Recording
{
    private readonly string _folder;

    private Recording(string folder, byte[][] messages, JsonNode steps)
    {
        _folder = folder;
        Messages = messages;
        Json = steps;
        Steps = [.. steps["steps"]!.AsArray().Select(step => new RecordedStep(this, step!))];
    }

    /// <summary>The whole stream.</summary>
    public byte[][] Messages { get; }

    public IReadOnlyList<RecordedStep> Steps { get; }

    public JsonNode Json { get; }

    public bool OnDemand => (string?)Json["ztunnel"]!["XDS_ON_DEMAND"] == "true";

    public string Node => (string)Json["ztunnel"]!["NODE_NAME"]!;

    /// <param name="scenario">Folder below <c>istiod</c>, such as <c>basic/reconnect-same</c>.</param>
    public static Recording Load(string scenario)
    {
        var folder = Fixture.PathOf("istiod", scenario);
        var plain = Path.Combine(folder, "stream.bin");
        return new Recording(
            folder,
            ReadFrames(File.Exists(plain) ? File.ReadAllBytes(plain) : Unzip(plain + ".gz")),
            JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "steps.json")))!);
    }

    /// <summary>Cuts frames: four bytes of length, big-endian, then a message.</summary>
    public static byte[][] ReadFrames(byte[] stream)
    {
        var messages = new List<byte[]>();
        for (var rest = stream.AsSpan(); !rest.IsEmpty;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest);
            messages.Add(rest.Slice(4, length).ToArray());
            rest = rest[(4 + length)..];
        }

        return [.. messages];
    }

    public static DeltaDiscoveryRequest ParseRequest(JsonNode json) =>
        JsonParser.Default.Parse<DeltaDiscoveryRequest>(json.ToJsonString());

    public string ReadExpected(string file) => File.ReadAllText(Path.Combine(_folder, file));

    private static byte[] Unzip(string path)
    {
        using var zipped = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        zipped.CopyTo(plain);
        return plain.ToArray();
    }
}

/// <summary>One step of a recording: what came, and where it led.</summary>
internal sealed class RecordedStep(Recording recording, JsonNode json)
{
    public string Name => $"{(int)json["step"]!} {(string)json["name"]!}";

    public byte[][] Messages => recording.Messages[(int)json["first"]!..((int)json["first"]! + (int)json["count"]!)];

    /// <summary>What the client asked; empty when it only listened.</summary>
    public IReadOnlyList<DeltaDiscoveryRequest> Requests =>
        json["requests"] is JsonArray requests ? [.. requests.Select(r => Recording.ParseRequest(r!))] : [];

    /// <summary>State of the reference after the step.</summary>
    public JsonObject Expected => JsonNode.Parse(recording.ReadExpected((string)json["expected"]!))!.AsObject();
}
