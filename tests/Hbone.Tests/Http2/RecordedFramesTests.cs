using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

/// <summary>What the reference puts on the wire, octet by octet, is what we put there. Recordings in fixtures/hbone.</summary>
public sealed class RecordedFramesTests : IDisposable
{
    private static readonly SpiffeId ClientId = new("cluster.local", "default", "a");
    private static readonly SpiffeId ServerId = new("cluster.local", "shop", "b");
    private static readonly JsonElement Inbound = JsonElement.Parse(Fixture.Read("hbone", "inbound.json"));
    private static readonly JsonElement Outbound = JsonElement.Parse(Fixture.Read("hbone", "outbound.json"));

    private readonly TestCertificates _certificates = new();

    public static TheoryData<string> InboundCases => [.. CasesOf(Inbound, c => c.GetProperty("frames"))];

    public static TheoryData<string> OutboundCases =>
        [.. CasesOf(Outbound, c => c.GetProperty("connections")[0].GetProperty("frames"))];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [MemberData(nameof(InboundCases))]
    public async Task Inbound_SameOctetsIn_SameFramesOut(string name)
    {
        var recording = Case(Inbound, name);
        var expected = FramesOf(recording.GetProperty("frames"));
        var answer = recording.GetProperty("frames").EnumerateArray()
            .Where(f => f.TryGetProperty("headers", out _)).Select(HeadersOf).FirstOrDefault();
        await using var server = new HboneServer(
            _certificates.Issue(ServerId), request => Serve(request, answer!));
        await using var peer = await RawPeer.DialAsync(server.Address, _certificates.Issue(ClientId));
        await peer.SendAsync(RawFrame.Preface, RawFrame.Settings());

        await peer.SendAsync(
            [.. recording.GetProperty("sent").EnumerateArray().Select(s => Convert.FromHexString(s.GetString()!))]);

        var actual = new List<RawFrame>();
        while (actual.Count < expected.Count && await peer.ReadAsync() is { } frame)
        {
            actual.Add(frame);
        }

        Assert.Equal(InOrder(expected), InOrder(actual));
        AssertTransport(recording, peer.Tls);
    }

    [Theory]
    [MemberData(nameof(OutboundCases))]
    public async Task Outbound_SameRequests_SameFramesOut(string name)
    {
        var recording = Case(Outbound, name).GetProperty("connections")[0];
        var expected = FramesOf(recording.GetProperty("frames"));
        var requests = recording.GetProperty("frames").EnumerateArray()
            .Where(f => f.TryGetProperty("headers", out _)).Select(HeadersOf);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var accepting = RawPeer.AcceptAsync(listener, _certificates.Issue(ServerId));
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(listener.LocalEndPoint!, Token);
        await using var client = await HboneEndpoint.ConnectAsync(
            socket, _certificates.Issue(ClientId), [ServerId], new(), TimeProvider.System, Token);
        await using var peer = await accepting;
        await peer.ReadPrefaceAsync();
        await peer.SendAsync(RawFrame.Settings());

        foreach (var request in requests)
        {
            var stream = client.TryOpen(request)!;
            await peer.SendAsync(RawFrame.Headers(stream.Id, false, (":status", "200")));
            await client.WaitAnswerAsync(stream);
            Assert.True(await stream.SendAsync("hello"u8.ToArray()));
            stream.CompleteWrites();
        }

        var actual = new List<RawFrame>();
        while (actual.Count < expected.Count && await peer.ReadAsync() is { } frame)
        {
            actual.Add(frame);
        }

        Assert.Equal(InOrder(expected), InOrder(actual));
        AssertTransport(recording, peer.Tls);
    }

    private static IEnumerable<string> CasesOf(JsonElement recordings, Func<JsonElement, JsonElement> frames) =>
        recordings.EnumerateArray().Where(c => frames(c).GetArrayLength() > 0).Select(c => c.GetProperty("case").GetString()!);

    private static JsonElement Case(JsonElement recordings, string name) =>
        recordings.EnumerateArray().Single(c => c.GetProperty("case").GetString() == name);

    private static List<RawFrame> FramesOf(JsonElement frames) =>
    [
        .. frames.EnumerateArray().Select(f => new RawFrame(
            Enum.Parse<FrameType>(f.GetProperty("type").GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
            f.GetProperty("flags").GetByte(),
            f.GetProperty("stream").GetInt32(),
            Convert.FromHexString(f.GetProperty("payload").GetString()!))),
    ];

    private static HeaderField[] HeadersOf(JsonElement frame) =>
        [.. frame.GetProperty("headers").EnumerateArray().Select(h => new HeaderField(h[0].GetString()!, h[1].GetString()!))];

    // Frames of the connection may come between those of a stream at any place: both keep their own order, except that
    // SETTINGS ACK and WINDOW_UPDATE are sent by different loops of the reference.
    private static List<string> InOrder(List<RawFrame> frames) =>
    [
        .. frames.Where(f => f.StreamId == 0).Select(f => Convert.ToHexStringLower(f.ToBytes())).Order(StringComparer.Ordinal),
        .. frames.Where(f => f.StreamId != 0).Select(f => Convert.ToHexStringLower(f.ToBytes())),
    ];

    private static void AssertTransport(JsonElement recording, SslStream tls)
    {
        Assert.Equal(recording.GetProperty("alpn").GetString(), tls.NegotiatedApplicationProtocol.ToString());
        Assert.Equal("TLSv1.3", recording.GetProperty("tls").GetString());
        Assert.Equal(SslProtocols.Tls13, tls.SslProtocol);
        Assert.Equal(recording.GetProperty("cipher").GetString(), tls.NegotiatedCipherSuite.ToString());
    }

    private static void Serve(ConnectRequest request, HeaderField[] answer)
    {
        var status = int.Parse(answer[0].Value, null);
        if (status == 200)
        {
            request.Accept(answer.AsSpan(1));
            _ = EchoAsync(request.Stream);
        }
        else
        {
            request.Refuse(status);
        }
    }

    private static async Task EchoAsync(Http2Stream stream)
    {
        while (true)
        {
            var read = await stream.ReadAsync();
            if (read.Kind != StreamReadKind.Data)
            {
                stream.CompleteWrites();
                return;
            }

            await stream.SendAsync(read.Data);
            stream.Return(read);
        }
    }
}
