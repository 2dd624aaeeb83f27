using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>Requests, answers and ends of streams at our server. RFC 9113 sections 5.1, 8.1, 8.3 and 8.5.</summary>
public sealed class ServerStreamTests : HboneServerFixture
{
    private static readonly (string, string)[] ConnectFields = [(":method", "CONNECT"), (":authority", "10.0.0.1:80")];

    public static TheoryData<string, string[]> MalformedRequests => new()
    {
        { "9113-8.3-3 pseudo header after a field", [":method=CONNECT", "a=b", ":authority=10.0.0.1:80"] },
        { "9113-8.2.1-1,9113-8.1.1-2 upper case name", [":method=CONNECT", ":authority=10.0.0.1:80", "Forwarded=for"] },
        { "9113-8.2.1-3 line feed in a value", [":method=CONNECT", ":authority=10.0.0.1:80", "a=b\nc"] },
        { "9113-8.2.2-2 connection-specific field", [":method=CONNECT", ":authority=10.0.0.1:80", "connection=close"] },
        { "9113-8.3-2,9113-5.5-4 unknown pseudo header", [":method=CONNECT", ":authority=10.0.0.1:80", ":protocol=websocket"] },
        { "9113-8.3-4 pseudo header twice", [":method=CONNECT", ":method=CONNECT", ":authority=10.0.0.1:80"] },
        { "9113-8.3.1-8 no method", [":authority=10.0.0.1:80"] },
        { "9113-8.3-2 response pseudo header", [":method=CONNECT", ":authority=10.0.0.1:80", ":status=200"] },
        { "9113-8.5-2 path", [":method=CONNECT", ":path=/", ":authority=10.0.0.1:80"] },
        { "9113-8.5-2 scheme", [":method=CONNECT", ":scheme=https", ":authority=10.0.0.1:80"] },
        { "9113-8.5-2 no authority", [":method=CONNECT"] },
        { "9113-8.5-2 authority with a space", [":method=CONNECT", ":authority=10.0.0.1 :80"] },
        { "9113-8.5-2 authority with an open bracket", [":method=CONNECT", ":authority=[::1:80"] },
    };

    [Theory]
    [MemberData(nameof(MalformedRequests))]
    public async Task Section811_MalformedRequest_ResetWithProtocolError(string rule, string[] fields)
    {
        await using var peer = await DialAsync();

        await peer.SendAsync(RawFrame.Headers(
            1, endStream: false, [.. fields.Select(f => (f[..f.IndexOf('=', 1)], f[(f.IndexOf('=', 1) + 1)..]))]));

        var reset = Assert.Single(await peer.ReadAllAsync());
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.ProtocolError), reset.ToBytes());
        Assert.Equal((rule, 0), (rule, UnansweredRequests));
    }

    [Fact]
    public async Task RefusedRequest_WhatCameWithIt_IsLetGo()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(1), RawFrame.Data(1, new byte[100]));
        var request = await NextRequestAsync();
        await peer.ReadAllAsync();

        request.Refuse(503);

        Assert.False(request.Stream.TryRead(out _));
    }

    [Fact]
    [Requirement("9113-8.3.2-1")]
    public async Task Accept_OpensTheTunnelWithHeaders()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(1));

        (await NextRequestAsync()).Accept(new HeaderField("baggage", "a=b"));

        var answer = Assert.Single(await peer.ReadAllAsync());
        Assert.Equal((FrameType.Headers, RawFrame.EndHeaders, 1, 200), (answer.Type, answer.Flags, answer.StreamId, answer.Status));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(503)]
    public async Task Section81_RefuseOpenRequest_StatusWithEndThenNoErrorReset(int status)
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(1));

        (await NextRequestAsync()).Refuse(status);

        var frames = await peer.ReadAllAsync();
        Assert.Equal(2, frames.Count);
        Assert.Equal((RawFrame.EndHeaders | RawFrame.EndStream, status), (frames[0].Flags, frames[0].Status));
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.NoError), frames[1].ToBytes());
    }

    [Fact]
    public async Task Section81_RefuseEndedRequest_StatusAlone()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Headers(
            1, endStream: true, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "x")));

        (await NextRequestAsync()).Refuse(400);

        Assert.Equal(400, Assert.Single(await peer.ReadAllAsync()).Status);
    }

    [Fact]
    [Requirement("9113-5.1.2-2")]
    public async Task Section512_AboveMaxConcurrentStreams_RefusedStreamAndTheOthersLive()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync([.. Enumerable.Range(0, 201).Select(i => RawFrame.Connect((2 * i) + 1))]);

        var refused = Assert.Single(await peer.ReadAllAsync());

        Assert.Equal(RawFrame.Reset(401, Http2ErrorCode.RefusedStream), refused.ToBytes());
        Assert.Equal(200, UnansweredRequests);
        (await NextRequestAsync()).Refuse(503);
        await peer.SendAsync(RawFrame.Connect(403));
        Assert.DoesNotContain(await peer.ReadAllAsync(), f => f.StreamId == 403);
    }

    [Fact]
    [Requirement("9113-10.5-3")]
    public async Task Section105_ResetBeforeTheAnswer_StillCountsUntilAnswered()
    {
        await using var peer = await DialAsync();
        for (var id = 1; id < 400; id += 2)
        {
            await peer.SendAsync(RawFrame.Connect(id), RawFrame.Reset(id, Http2ErrorCode.Cancel));
        }

        await peer.SendAsync(RawFrame.Connect(401));
        Assert.Equal(RawFrame.Reset(401, Http2ErrorCode.RefusedStream), Assert.Single(await peer.ReadAllAsync()).ToBytes());

        (await NextRequestAsync()).Refuse(503);
        await peer.SendAsync(RawFrame.Connect(403));

        Assert.Empty(await peer.ReadAllAsync());
    }

    [Fact]
    [Requirement("9113-10.5.1-1")]
    public async Task Section652_HeaderListAbove65536_431AndTheConnectionLives()
    {
        await using var peer = await DialAsync();
        var block = RawFrame.Block([.. ConnectFields, .. Enumerable.Repeat(("a", new string('x', 8_000)), 9)]);
        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, block));

        var frames = await peer.ReadAllAsync();

        Assert.Equal((431, true), (frames[0].Status, frames[0].Has(RawFrame.EndStream)));
        Assert.Equal(RawFrame.Reset(1, Http2ErrorCode.NoError), frames[1].ToBytes());
        await OpenAsync(peer, 3);
    }

    [Fact]
    public async Task Section652_HeaderListOfExactly65536_Taken()
    {
        await using var peer = await DialAsync();
        var used = ConnectFields.Sum(f => f.Item1.Length + f.Item2.Length + 32);
        var block = RawFrame.Block([.. ConnectFields, ("a", new string('x', 65_536 - used - 33))]);

        await peer.SendAsync(RawFrame.Of(FrameType.Headers, RawFrame.EndHeaders, 1, block));

        Assert.Empty(await peer.ReadAllAsync());
        Assert.Equal(1, UnansweredRequests);
    }

    [Fact]
    [Requirement("9113-5.1-9", "9113-5.4.2-1", "9113-6.4-2", "9113-6.9-5")]
    public async Task Section51_FramesOnClosedStream_IgnoredAndItsCreditReturned()
    {
        await using var peer = await DialAsync();
        await peer.SendAsync(RawFrame.Connect(1));
        (await NextRequestAsync()).Refuse(401);
        await peer.ReadAllAsync();

        for (var i = 0; i < 9; i++)
        {
            await peer.SendAsync(RawFrame.Data(1, new byte[1024 * 1024]));
        }

        await peer.SendAsync(
            RawFrame.WindowUpdate(1, 1),
            RawFrame.Reset(1, Http2ErrorCode.Cancel),
            RawFrame.Headers(1, endStream: true, ("a", "b")));

        var credit = Assert.Single(await peer.ReadAllAsync());
        Assert.Equal((FrameType.WindowUpdate, 0), (credit.Type, credit.StreamId));
    }

    [Fact]
    [Requirement("9113-5.1-7", "9113-6.1-3")]
    public async Task Section51_DataAfterEndStream_StreamClosed()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.Data(1, [1]));

        Assert.Equal(
            RawFrame.Reset(1, Http2ErrorCode.StreamClosed), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Fact]
    [Requirement("9113-5.1-7")]
    public async Task Section51_HeadersAfterEndStream_StreamClosed()
    {
        await using var peer = await DialAsync();
        await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, [], endStream: true), RawFrame.Headers(1, endStream: true, ("a", "b")));

        Assert.Equal(
            RawFrame.Reset(1, Http2ErrorCode.StreamClosed), Assert.Single(await peer.ReadAllAsync()).ToBytes());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Requirement("9113-8.1-3", "9113-8.5-3")]
    public async Task Section85_HeadersOnTheTunnel_ProtocolError(bool endStream)
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Headers(1, endStream, ("a", "b")));

        Assert.Equal(
            RawFrame.Reset(1, Http2ErrorCode.ProtocolError), Assert.Single(await peer.ReadAllAsync()).ToBytes());
        Assert.Equal(StreamReadKind.Reset, (await request.Stream.ReadAsync()).Kind);
    }

    [Fact]
    public async Task Section54_ResetByClient_StreamTellsItsCode()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, "left"u8.ToArray()), RawFrame.Reset(1, Http2ErrorCode.Cancel));

        var (bytes, end) = await request.Stream.ReadAllAsync();
        Assert.Equal("left"u8, bytes);
        Assert.Equal(StreamReadKind.Reset, end);
        Assert.Equal(Http2ErrorCode.Cancel, Assert.IsType<Http2StreamException>(request.Stream.Failure).Code);
    }

    [Fact]
    public async Task BothEnds_Ended_StreamIsOver()
    {
        await using var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, "all"u8.ToArray(), endStream: true));
        Assert.Equal("all"u8.ToArray(), await request.Stream.ReadToEndAsync());
        await request.Stream.SendAsync("answer"u8.ToArray());
        request.Stream.CompleteWrites();

        var frames = await peer.ReadAllAsync();
        Assert.Equal(
            [RawFrame.Data(1, "answer"u8.ToArray()), RawFrame.Data(1, [], endStream: true)],
            frames.Select(f => f.ToBytes()));
        Assert.Equal(0, (await ConnectionAsync()).ActiveStreams);
    }

    [Fact]
    public async Task EndOfConnection_BytesThatCameBefore_AreRead()
    {
        var peer = await DialAsync();
        var request = await OpenAsync(peer, 1);

        await peer.SendAsync(RawFrame.Data(1, "last words"u8.ToArray(), endStream: true));
        await peer.DisposeAsync(); // no close_notify: the connection breaks

        Assert.Equal("last words"u8.ToArray(), (await request.Stream.ReadAllAsync()).Bytes);
    }
}
