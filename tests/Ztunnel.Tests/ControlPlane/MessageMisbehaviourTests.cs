using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Ztunnel.Mesh;
using Ztunnel.Protos.Discovery;
using Ztunnel.Xds;
using Ztunnel.Xds.Decoding;
using static Ztunnel.Tests.ControlPlane.Responses;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Messages that are slow, cut, huge or made of lies: control-plane 2.1, 2.4, 10.3.19.</summary>
public sealed class MessageMisbehaviourTests
{
    private const int MaxMessageBytes = 200 * 1024 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Piece by piece, with the other type's answer in nobody's way: one message is behind the other.</summary>
    [Fact]
    public async Task Message_ThatTrickles_CountsWhenItIsWhole()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var message = Addresses(Workload("a", "10.0.0.1"), Workload("b", "10.0.0.2"));

        await stream.SendHeadAsync((uint)message.Length);
        for (var sent = 0; sent < message.Length; sent++)
        {
            Assert.Empty(fixture.Snapshot.Workloads);
            await stream.SendPieceAsync(message.AsMemory(sent, 1));
        }

        Assert.Null((await stream.ReadAsync()).ErrorDetail);
        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
    }

    [Fact]
    public async Task Message_CutInside_ChangesNothingAndIsNotAnswered()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1", "v1")));
        var known = fixture.Snapshot;

        await stream.AbortInsideMessageAsync(
            Encode(TypeUrls.Address, [Workload("a", "10.0.0.9", "v2"), Workload("b", "10.0.0.2")], ["Kubernetes//Pod/ns/a"]));
        stream = await fixture.Server.AcceptAsync();

        Assert.Same(known, fixture.Snapshot);
        Assert.Equal("v1", Assert.Single((await stream.ReadAsync()).InitialResourceVersions).Value);
        Assert.Empty(fixture.Lines());
    }

    /// <summary>Only the head is sent: nothing of that size is read, and it is not tried again at once.</summary>
    [Theory]
    [InlineData(MaxMessageBytes + 1u)]
    [InlineData(uint.MaxValue)]
    public async Task Message_LongerThan200MiB_IsRefusedClearlyAndRetriedWithBackoff(uint length)
    {
        var time = new ManualTime();
        await using var fixture = await ClientFixture.StartAsync(time: time);
        var stream = await fixture.AcceptAsync();

        foreach (var milliseconds in (int[])[20, 40, 80, 160])
        {
            await stream.SendHeadAsync(length);
            await Waiting.UntilAsync(() => time.NextDue is not null, Token);
            var wait = time.NextDue!.Value - time.GetUtcNow();
            Assert.InRange(wait.TotalMilliseconds, milliseconds / 2.0, milliseconds);
            time.Advance(wait);
            stream = await fixture.AcceptAsync();
        }

        Assert.Contains(
            length == uint.MaxValue
                ? "Internal: "
                : "ResourceExhausted: Received message exceeds the maximum configured message size. (limit: 200 MiB)",
            Assert.Single(fixture.Lines()),
            StringComparison.Ordinal);
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));
        Assert.Single(fixture.Snapshot.Workloads);
    }

    /// <summary>14 MiB of names that are rejected: the answer fits into what istiod reads, the log line is a line.</summary>
    [Fact]
    public async Task Message_OfJunk_IsAnsweredAndLoggedInBounds()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        var name = new string('x', 1000);

        var nack = await stream.SendAndReadAnswerAsync(
            Addresses([Workload("a", "10.0.0.1"), .. Enumerable.Range(0, 14_000).Select(i => Junk($"{name}\n{i}"))]));

        Assert.InRange(nack.ErrorDetail.Message.Length, 1, RejectionText.MaxLength);
        Assert.EndsWith(" more", nack.ErrorDetail.Message, StringComparison.Ordinal);
        var line = Assert.Single(fixture.Lines());
        Assert.InRange(line.Length, 1, 1200);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.Single(fixture.Snapshot.Workloads);
    }

    /// <summary>A status text is a header: what the HTTP library does not read ends the stream all the same.</summary>
    [Fact]
    public async Task Status_WithATextOf14MiB_IsLoggedInBounds()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));

        stream.End(StatusCode.Internal, new string('x', 14 * 1024 * 1024));
        stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("b", "10.0.0.2")));

        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
        Assert.All(
            fixture.Lines().Concat(fixture.Lines(LogLevel.Debug)), line => Assert.InRange(line.Length, 1, 1200));
    }

    /// <summary>The same bad resource in each push: each is answered, and the rest of each is applied.</summary>
    [Fact]
    public async Task Resources_PartlyBadAgainAndAgain_DoNotEndTheStream()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();

        for (var i = 0; i < 10; i++)
        {
            var nack = await stream.SendAndReadAnswerAsync(Addresses(Junk("bad"), Workload($"w{i}", "10.0.0.1")));
            Assert.StartsWith("bad: ", nack.ErrorDetail.Message, StringComparison.Ordinal);
        }

        Assert.Equal(10, fixture.Snapshot.Workloads.Count());
        Assert.Equal(0, await fixture.EndsAsync("Reconnect") + await fixture.EndsAsync("Error"));
        Assert.False(fixture.Client.FirstSync.IsCompleted);
    }

    /// <summary>
    /// Resource by resource: what is allocated on the way to the snapshot is a small multiple of the message, whatever its
    /// size is, and mostly the result itself.
    /// </summary>
    [Theory]
    [InlineData(1_000)]
    [InlineData(50_000)]
    public void Message_Decoded_AllocatesAFewTimesItsSize(int workloads)
    {
        var message = Addresses(Enumerable.Range(0, workloads).Select(i => Workload(
            $"w{i}", $"10.{i / 65536}.{i / 256 % 256}.{i % 256}", $"{i:x16}", "ns/web.ns.svc.cluster.local")));
        new ResponseDecoder(subscriptions: null).Decode(message); // parsers are made once

        var before = GC.GetAllocatedBytesForCurrentThread();
        var response = new ResponseDecoder(subscriptions: null).Decode(message);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(workloads, response.Resources.Count);
        Assert.InRange(allocated, message.Length, 16L * message.Length);
    }

    /// <summary>What is not kept is not held either: 64 resources of 1 MiB that are ignored leave next to nothing.</summary>
    [Fact]
    public void Message_OfFieldsThatAreIgnored_KeepsNoneOfThem()
    {
        var message = Addresses(Enumerable.Range(0, 64).Select(i => Padded($"w{i}", 1024 * 1024)));

        var response = new ResponseDecoder(subscriptions: null).Decode(message);

        Assert.Equal(64, response.Resources.Count);
        Assert.InRange(response.PayloadBytes, 64 * 1024 * 1024, message.Length);
        var reachable = new MeshState(MeshSnapshot.Empty(localNode: null), TimeProvider.System);
        response.ApplyTo(reachable, []);
        Assert.Equal(64, reachable.Current.Workloads.Count());
        Assert.All(reachable.Current.Workloads, workload => Assert.InRange(workload.Uid.Length, 1, 100));
    }

    internal static Resource Padded(string name, int bytes)
    {
        var workload = NewWorkload(name, "10.0.0.1");
        workload.Extensions.Add(new Protos.WorkloadApi.Extension
        {
            Name = "padding",
            Config = new Any { Value = ByteString.CopyFrom(new byte[bytes]) },
        });
        return Responses.Resource(workload);
    }
}
