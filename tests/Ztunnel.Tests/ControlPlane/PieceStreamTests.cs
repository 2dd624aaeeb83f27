using System.Buffers.Binary;
using Google.Protobuf;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Large gRPC messages are cut between their fields; nothing else is changed.</summary>
public sealed class PieceStreamTests
{
    private const int Limit = 4 * 1024 * 1024;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4_096)]
    [InlineData(1_000_000)]
    public async Task LargeResponse_ReceivedInAnyPortions_IsTheSameResponseInPieces(int portion)
    {
        var (small, large) = (Response(3), Response(3_000));
        var messages = await CutAsync([.. Framed(small), .. Framed(large), .. Framed(small)], portion);

        Assert.Equal(small.ToByteArray(), messages[0].Message);
        Assert.Equal(small.ToByteArray(), messages[^1].Message);
        var pieces = messages[1..^1];
        Assert.True(pieces.Count > 2);
        Assert.All(pieces, piece => Assert.InRange(piece.Message.Length, 1, PieceStream.PieceBytes + 1_000));
        Assert.Equal(large.ToByteArray(), pieces.SelectMany(piece => piece.Message));
        Assert.Equal([.. Enumerable.Repeat(false, pieces.Count - 1), true], pieces.Select(piece => piece.IsLast));
    }

    [Fact]
    public async Task Pieces_Decoded_AreTheResponse()
    {
        var large = Response(3_000);
        large.RemovedResources.Add("gone");
        var whole = new ResponseDecoder(subscriptions: null).Decode(large.ToByteArray());
        var decoder = new ResponseDecoder(subscriptions: null);

        var decoded = (await CutAsync(Framed(large), 10_000))
            .Select(piece => decoder.Decode(piece.Message, piece.IsLast)).ToList();

        Assert.All(decoded[..^1], piece => Assert.Same(DecodedResponse.Incomplete, piece));
        var last = decoded[^1];
        Assert.Equal(
            (whole.TypeUrl, whole.Nonce, whole.PayloadBytes), (last.TypeUrl, last.Nonce, last.PayloadBytes));
        Assert.Equal(whole.Removed, last.Removed);
        Assert.Equal(
            whole.Resources.Select(resource => (resource.Name, resource.Version, resource.Workload?.Name)),
            last.Resources.Select(resource => (resource.Name, resource.Version, resource.Workload?.Name)));
        Assert.Equal(3_000, last.Resources.Count(resource => resource.Workload is not null));
    }

    [Fact]
    public async Task Resources_OfAnotherTypeThanTheirLargeResponse_AreAnError()
    {
        var mixed = Response(3_000);
        mixed.TypeUrl = TypeUrls.Authorization;
        var decoder = new ResponseDecoder(subscriptions: null);
        var pieces = await CutAsync(Framed(mixed), 10_000);

        Assert.Throws<FormatException>(() => pieces.ForEach(piece => decoder.Decode(piece.Message, piece.IsLast)));
    }

    [Fact]
    public async Task NotProtobuf_PassesForTheDecoderToReject()
    {
        var junk = new byte[200_000];
        Array.Fill(junk, (byte)0xFF);

        var message = Assert.Single(await CutAsync(Framed(junk), 10_000));

        Assert.True(message.IsLast);
        Assert.Equal(junk, message.Message);
    }

    [Fact]
    public async Task NotProtobufAfterAWhile_OnlyTheRestPasses()
    {
        byte[] message = [.. Response(2_000).ToByteArray(), 0x07, .. new byte[100_000]]; // a wire type that is none

        var pieces = await CutAsync(Framed(message), 10_000);

        Assert.Equal(message, pieces.SelectMany(piece => piece.Message));
        Assert.Single(pieces, piece => piece.IsLast);
        Assert.True(pieces[^1].IsLast);
    }

    [Theory]
    [InlineData(1, 100_000)] // compressed
    [InlineData(0, Limit + 1)] // too large
    public async Task WhatGrpcRefuses_PassesAsItIs(byte flag, int length)
    {
        var bytes = Framed(new byte[length]);
        bytes[0] = flag;

        Assert.Equal(bytes, await ReadAllAsync(bytes, 50_000, new ResponsePieces()));
    }

    [Fact]
    public async Task Message_CutOffInside_IsIncompleteForGrpcToo()
    {
        var bytes = Framed(Response(3_000))[..300_000];

        var passed = await ReadAllAsync(bytes, 10_000, new ResponsePieces());

        var rest = passed.AsSpan();
        while (rest.Length >= 5 && BinaryPrimitives.ReadInt32BigEndian(rest[1..]) is var length && rest.Length >= 5 + length)
        {
            rest = rest[(5 + length)..];
        }

        Assert.NotEqual(0, rest.Length);
        Assert.Equal(0, rest[0]);
    }

    private static DeltaDiscoveryResponse Response(int workloads)
    {
        var response = new DeltaDiscoveryResponse { TypeUrl = TypeUrls.Address, Nonce = "nonce" };
        response.Resources.Add(Enumerable.Range(0, workloads).Select(i =>
            Responses.Workload($"pod-{i}", $"10.0.{i >> 8}.{i & 255}", $"{i + 1:x}", $"ns/s{i % 7}.example.com")));
        return response;
    }

    private static byte[] Framed(DeltaDiscoveryResponse response) => Framed(response.ToByteArray());

    private static byte[] Framed(byte[] message)
    {
        var framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        return framed;
    }

    private static async Task<List<(byte[] Message, bool IsLast)>> CutAsync(byte[] bytes, int portion)
    {
        var pieces = new ResponsePieces();
        var rest = (await ReadAllAsync(bytes, portion, pieces)).AsMemory();
        var messages = new List<(byte[], bool)>();
        while (rest.Length > 0)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(rest.Span[1..]);
            messages.Add((rest.Slice(5, length).ToArray(), pieces.TakeIsLast()));
            rest = rest[(5 + length)..];
        }

        return messages;
    }

    private static async Task<byte[]> ReadAllAsync(byte[] bytes, int portion, ResponsePieces pieces)
    {
        await using var cut = new PieceStream(new Portions(bytes, portion), pieces, Limit);
        using var all = new MemoryStream();
        await cut.CopyToAsync(all, 5_000, TestContext.Current.CancellationToken);
        return all.ToArray();
    }

    /// <summary>Gives at most so many bytes at a time.</summary>
    private sealed class Portions(byte[] bytes, int portion) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, portion)], cancellationToken);
    }
}
