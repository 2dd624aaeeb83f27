using System.Net;
using System.Text.RegularExpressions;

namespace Node.Tests.Recordings;

/// <summary>
/// What our proxy sends to an HBONE server when applications dial as recorded
/// (<c>fixtures/hbone/outbound.json</c>): the same number of connections, the same handshake, the same frames in the
/// same order, wherever the acknowledgement of the server's SETTINGS is among them.
/// </summary>
public sealed partial class OutboundFrameTests(OutboundReplay replay) : IClassFixture<OutboundReplay>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>Texts that may differ, recorded and ours, each with its reason.</summary>
    private static readonly Dictionary<string, string> ToleratedTexts = new()
    {
        // How another language prints its error types. Data-path 2.6 asks for the text around and inside them.
        ["Other(OtherError(identity verification error"] = "identity verification error",
        ["sa/bad))"] = "sa/bad",
    };

    public static TheoryData<string> Situations { get; } = [.. RecordedDials.Names];

    [Theory]
    [MemberData(nameof(Situations))]
    public async Task Dials_SendTheSameFrames(string situation)
    {
        var recorded = RecordedDials.Of(situation);
        using var deadline = new CancellationTokenSource(Limit);
        var since = replay.Proxy.Log.Count;
        await using var server = replay.StartServer(situation);

        var client = new List<string>();
        foreach (var dial in recorded.Dials)
        {
            client.Add(await DialAsync(dial, server, deadline.Token));
        }

        var log = await replay.Proxy.WaitForAccessAsync(since, recorded.SourceLog.Length, _ => true, deadline.Token);
        await server.FinishAsync(deadline.Token);
        Assert.Equal(recorded.Client, client);
        Assert.Equal(recorded.SourceLog.Select(MaskLine), log.Select(MaskLine));
        Assert.Equal(recorded.Connections.Length, server.Connections.Length);
        foreach (var (expected, actual) in recorded.Connections.Zip(server.Connections))
        {
            Assert.Equal(expected.Tls, actual.Tls);
            Assert.Equal(expected.PeerUris, actual.PeerUris);
            Assert.Equal(expected.Tls is null, actual.Failure is not null);
            Assert.Equal(WithoutSettingsAck(expected.Frames), WithoutSettingsAck(actual.Frames));
            Assert.Equal(
                expected.Frames.Count(frame => frame.IsSettingsAck),
                actual.Frames.Count(frame => frame.IsSettingsAck));
        }
    }

    private static string[] WithoutSettingsAck(IEnumerable<RecordedFrame> frames) =>
        [.. frames.Where(frame => !frame.IsSettingsAck).Select(frame => MaskFrame(frame.ToString()))];

    // Ports and trace ids are new with each connection.
    private static string MaskFrame(string frame) =>
        TraceParent.Replace(ForwardedPort.Replace(frame, "${before}PORT"), "traceparent: 00-TRACE-00");

    private static string MaskLine(string line) => ToleratedTexts.Aggregate(
        AccessLines.Mask(line), (text, pair) => text.Replace(pair.Key, pair.Value, StringComparison.Ordinal));

    // Whether an application sees a reset or an end depends on whether it had said something before the tunnel failed.
    private async Task<string> DialAsync(
        IPEndPoint destination, HboneRecorder server, CancellationToken cancellationToken)
    {
        using var socket = await replay.DialAsync(destination, cancellationToken);
        var hello = AccessReplay.SayHelloAsync(socket);
        server.Answer();
        return await hello;
    }

    [GeneratedRegex("""(?<before>forwarded: for="\d+\.\d+\.\d+\.\d+:)\d+""")]
    private static partial Regex ForwardedPort { get; }

    [GeneratedRegex("traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00")]
    private static partial Regex TraceParent { get; }
}
