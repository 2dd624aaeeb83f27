using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Tests.Http2;
using Hbone.Tests.Http2.Abuse;
using Hbone.Tls;
using Ztunnel.Config;
using ManualTime = Fixtures.ManualTime;

namespace Ztunnel.Tests.Proxy;

/// <summary>
/// Whoever abuses a connection is told GOAWAY, and one line of the log says who it was and what it did: over the listener
/// that peers really reach, for every flood that is known and for those that let us wait.
/// </summary>
public sealed class InboundAbuseLogTests
{
    private const int InOneWrite = 100;

    private static readonly SpiffeId Alice = new("cluster.local", "default", "alice");
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(10);

    public static TheoryData<string> Names { get; } = [.. Floods.OfClients.Select(flood => flood.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Flood_EnhanceYourCalm_LogNamesPeerAndReason(string name)
    {
        var flood = Floods.OfClients.Single(flood => flood.Name == name);

        // The handler answers at once; a request that nobody answers is here one that there is no room for.
        var streams = flood.Answers ? 200 : 1;
        await using var inbound = new InboundListener(
            new ProxyOptions { Http2 = new Http2Options { MaxConcurrentStreams = streams } }, new ManualTime());
        using var application = InboundFixture.Listen();
        await using var peer = await inbound.DialHttp2Async(Alice);
        await peer.SendAsync(
            RawFrame.Connect(1, application.LocalEndPoint!.ToString()!),
            RawFrame.Connect(3, application.LocalEndPoint!.ToString()!),
            RawFrame.Reset(3, Http2ErrorCode.Cancel),
            flood.Opening);
        var reading = peer.ReadToEndAsync();

        await SendAsync(peer, flood, reading);

        var frames = await reading;
        Assert.Equal((uint)Http2ErrorCode.EnhanceYourCalm, frames.Last(frame => frame.Type == FrameType.GoAway).Code);
        await inbound.AccessLogAsync();
        AssertLogged(inbound, Http2ErrorCode.EnhanceYourCalm, flood.Reason);
    }

    [Fact]
    public async Task PrefaceNeverSent_SettingsTimeout_LogNamesPeerAndReason()
    {
        var time = new ManualTime();
        await using var inbound = new InboundListener(new ProxyOptions(), time);
        await using var peer = await inbound.DialSilentAsync(Alice);
        await peer.ReadAsync(FrameType.Settings); // so the connection is there, and its clock runs

        time.Advance(Tick);

        Assert.Equal(Http2ErrorCode.SettingsTimeout, await peer.ReadGoAwayAsync());
        await peer.DisposeAsync();
        await inbound.AccessLogAsync();
        AssertLogged(inbound, Http2ErrorCode.SettingsTimeout, "preface");
    }

    [Fact]
    public async Task TableBeyondTheLimit_CompressionError_LogNamesPeerAndReason()
    {
        await using var inbound = new InboundListener(new ProxyOptions());
        await using var peer = await inbound.DialHttp2Async(Alice);

        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, 0x3f, 0xe2, 0x1f)); // size 4097

        Assert.Equal(Http2ErrorCode.CompressionError, await peer.ReadGoAwayAsync());
        await peer.DisposeAsync();
        await inbound.AccessLogAsync();
        AssertLogged(inbound, Http2ErrorCode.CompressionError, "4097");
    }

    [Fact]
    public async Task WindowsThatAreNeverOpened_EnhanceYourCalm_LogNamesPeerAndReason()
    {
        const int Hoarded = 110;
        var time = new ManualTime();
        await using var inbound = new InboundListener(new ProxyOptions(), time);
        using var application = InboundFixture.Listen(backlog: Hoarded);
        await using var peer = await inbound.DialHttp2Async(Alice);
        await peer.SendAsync(RawFrame.Settings((4, 0)));
        var applications = new List<Socket>();
        for (var i = 0; i < Hoarded; i++)
        {
            await peer.SendAsync(RawFrame.Connect((2 * i) + 1, application.LocalEndPoint!.ToString()!));
            var accepted = await application.AcceptAsync(TestContext.Current.CancellationToken);
            applications.Add(accepted);
            await accepted.SendAsync(new byte[100], TestContext.Current.CancellationToken);
        }

        var over = false;
        for (var i = 0; i < 60 && !over; i++)
        {
            await peer.SendAsync(RawFrame.Ping("livelive"));
            var answer = await peer.ReadAsync(f => f.Type is FrameType.GoAway || (f.Type is FrameType.Ping && f.Has(RawFrame.Ack)));
            over = answer.Type == FrameType.GoAway;
            time.Advance(Tick);
        }

        await peer.DisposeAsync();
        applications.ForEach(socket => socket.Dispose());
        await inbound.AccessLogAsync();
        AssertLogged(inbound, Http2ErrorCode.EnhanceYourCalm, "no window was opened for 5 minutes");
    }

    private static void AssertLogged(InboundListener inbound, Http2ErrorCode code, string reason)
    {
        var line = Assert.Single(inbound.Warnings);
        Assert.StartsWith("hbone connection of 127.0.0.1:", line, StringComparison.Ordinal);
        Assert.Contains($" ({Alice}) closed with {code}: ", line, StringComparison.Ordinal);
        Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    private static async Task SendAsync(RawPeer peer, Flood flood, Task over)
    {
        try
        {
            for (var sent = 0; sent <= flood.Repetitions + (2 * InOneWrite) && !over.IsCompleted; sent += InOneWrite)
            {
                await peer.SendAsync([.. Enumerable.Range(sent, InOneWrite).Select(flood.Frames)]);
            }
        }
        catch (IOException)
        {
            // Closed while we were sending.
        }
    }
}
