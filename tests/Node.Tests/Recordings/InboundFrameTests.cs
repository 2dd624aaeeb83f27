namespace Node.Tests.Recordings;

/// <summary>
/// Port 15008 as a client sees it that sends the recorded octets (<c>fixtures/hbone/inbound.json</c>): the same
/// handshake and the same frames in the same order, wherever the acknowledgement of the client's SETTINGS is among
/// them.
/// </summary>
public sealed class InboundFrameTests(InboundReplay replay) : IClassFixture<InboundReplay>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static TheoryData<string> Situations { get; } =
        [.. RecordedRequest.Names.Where(name => !RecordedRequest.Of(name).EndsWithAlert)];

    public static TheoryData<string> Refusals { get; } =
        [.. RecordedRequest.Names.Where(name => RecordedRequest.Of(name).EndsWithAlert)];

    [Theory]
    [MemberData(nameof(Situations))]
    public async Task Request_IsAnsweredWithTheSameFrames(string situation)
    {
        var recorded = RecordedRequest.Of(situation);
        using var deadline = new CancellationTokenSource(Limit);
        await using var client = await replay.ConnectAsync(recorded, deadline.Token);

        await client.SendAsync(recorded.Sent, deadline.Token);

        var frames = await client.ReadAllAsync(recorded.Frames.Length, deadline.Token);
        Assert.Equal(WithoutSettingsAck(recorded.Frames), WithoutSettingsAck(frames));
        Assert.Single(frames, frame => frame.IsSettingsAck);
        Assert.Equal(recorded.Tls, client.Tls);
        Assert.Equal(["URI:spiffe://cluster.local/ns/shop/sa/b"], client.PeerUris);
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task ClientWithoutCertificate_GetsAnAlertAndNoFrame(string situation)
    {
        var recorded = RecordedRequest.Of(situation);
        using var deadline = new CancellationTokenSource(Limit);

        // In TLS 1.3 the client is done before the server has looked at its certificate, so the alert comes late.
        await using var client = await replay.ConnectAsync(recorded, deadline.Token);
        Assert.Equal(recorded.Tls, client.Tls);
        var refused = await Assert.ThrowsAnyAsync<IOException>(() => client.ReadAllAsync(expected: 1, deadline.Token));

        Assert.Contains("alert certificate required", $"{refused}", StringComparison.Ordinal);
    }

    private static string[] WithoutSettingsAck(IEnumerable<RecordedFrame> frames) =>
        [.. frames.Where(frame => !frame.IsSettingsAck).Select(frame => frame.ToString())];
}
