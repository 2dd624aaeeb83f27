using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Memory;
using Hbone.Tests.Http2.Requirements;

namespace Hbone.Tests.Http2;

/// <summary>
/// RFC 9113 section 6.9.3: when memory gets tight we offer smaller windows, and until the peer has acknowledged that, it
/// may use those it had.
/// </summary>
public sealed class NarrowedWindowTests
{
    private const int Streams = 5;
    private const int Piece = 64 * 1024;

    private static readonly HeaderField[] Request = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    // SETTINGS of one value: INITIAL_WINDOW_SIZE.
    private static readonly byte[] NarrowingSettings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4];

    private readonly Http2Options _options = new();
    private readonly List<Http2Stream> _streams = [];

    [Fact]
    [Requirement("9113-6.9.3-1", Role = Role.Server)]
    public async Task Section693_ServerNarrows_WhatTheClientSentBeforeItKnewIsTaken()
    {
        using var record = new MemoryStream();
        using var peer = new InlinePeer { Record = record };
        var role = Http2Role.Server(_options, request =>
        {
            request.Accept();
            _streams.Add(request.Stream);
        });
        await using var connection = new Http2Connection(peer, role, new MemoryBudget(long.MaxValue), new ManualTime());
        InlinePeer.Start(connection);
        peer.Say(RawFrame.Preface, RawFrame.Settings(), RawFrame.SettingsAck());
        for (var id = 1; id < 2 * Streams; id += 2)
        {
            peer.Say(RawFrame.Connect(id));
        }

        AssertTaken(connection, peer, record);
    }

    [Fact]
    [Requirement("9113-6.9.3-1", Role = Role.Client)]
    public async Task Section693_ClientNarrows_WhatTheServerSentBeforeItKnewIsTaken()
    {
        using var record = new MemoryStream();
        using var peer = new InlinePeer { Record = record };
        await using var connection = new Http2Connection(
            peer, Http2Role.Client(_options), new MemoryBudget(long.MaxValue), new ManualTime());
        InlinePeer.Start(connection);
        peer.Say(RawFrame.Settings(), RawFrame.SettingsAck());
        for (var i = 0; i < Streams; i++)
        {
            var stream = connection.TryOpen(Request);
            Assert.NotNull(stream);
            _streams.Add(stream);
            peer.Say(RawFrame.Headers(stream.Id, endStream: false, (":status", "200")));
        }

        AssertTaken(connection, peer, record);
    }

    private void AssertTaken(Http2Connection connection, InlinePeer peer, MemoryStream record)
    {
        Assert.Equal(Streams, _streams.Count);
        var each = _options.StreamWindowSize * 13 / 16;
        var payload = new byte[Piece];
        foreach (var stream in _streams)
        {
            for (var sent = 0; sent < each; sent += Piece)
            {
                peer.Say(RawFrame.Data(stream.Id, payload));
            }
        }

        Assert.True(record.ToArray().AsSpan().IndexOf(NarrowingSettings) >= 0, "no narrower window was announced");
        peer.Say(RawFrame.Data(_streams[^1].Id, payload));

        Assert.Null(connection.Failure);
        Assert.All(_streams, stream => Assert.Null(stream.Failure));
        peer.Say(RawFrame.SettingsAck());
        peer.Say(RawFrame.Data(_streams[0].Id, [], endStream: true)); // needs no window: section 6.9.1
        Assert.Null(_streams[0].Failure);
        peer.Say(RawFrame.Data(_streams[^1].Id, payload));
        Assert.Equal(
            Http2ErrorCode.FlowControlError, Assert.IsType<Http2StreamException>(_streams[^1].Failure).Code);
    }
}
