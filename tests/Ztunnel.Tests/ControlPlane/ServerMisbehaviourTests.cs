using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using static Ztunnel.Tests.ControlPlane.Responses;
using ManualTime = Ztunnel.Tests.Identity.ManualTime;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>
/// Control planes that cannot be spoken to, or not any more: said once when it begins and once when it is over, tried
/// again, and what is known stays known (control-plane 2.7, 10.1.7).
/// </summary>
public sealed class ServerMisbehaviourTests
{
    private const int Attempts = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("another root", "the control plane's certificate does not verify: ")]
    [InlineData("another name", "the control plane's certificate is not for localhost")]
    [InlineData("expired certificate", "the control plane's certificate does not verify: ")]
    [InlineData("UNAUTHENTICATED", "Unauthenticated: authentication failure")]
    [InlineData("HTTP 401", "Unauthenticated: ")]
    [InlineData("HTTP 503", "Unavailable: ")]
    [InlineData("huge text", "ResourceExhausted: no    noxxx")]
    public async Task Refusal_AgainAndAgain_IsSaidOnceAndChangesNothing(string how, string reason)
    {
        using var others = new ServerCertificates();
        await using var fixture = await ClientFixture.StartAsync(
            options => how == "another root"
                ? options with { Xds = options.Xds with { RootCertificates = RootCertificateSource.Parse(others.RootPem) } }
                : options,
            serverName: how == "another name" ? "istiod.example.com" : "localhost",
            script: script =>
            {
                script.RequiredAuthorization = how == "UNAUTHENTICATED" ? "Bearer good" : null;
                script.HttpStatus = how switch { "HTTP 401" => 401, "HTTP 503" => 503, _ => null };
                script.Refusal = how == "huge text"
                    ? new Status(StatusCode.ResourceExhausted, "no\r\n\t\u001bno" + new string('x', 20_000))
                    : null;
            },
            certificateLife: how == "expired certificate" ? TimeSpan.FromMinutes(5) : null);
        var before = fixture.Snapshot;

        await fixture.WaitForEndsAsync("ConnectionError", Attempts);

        var line = Assert.Single(fixture.Lines());
        Assert.StartsWith($"no stream to {fixture.Server.Address}, will retry: ", line, StringComparison.Ordinal);
        Assert.True(line.Contains(reason, StringComparison.Ordinal), line);
        Assert.InRange(line.Length, 1, 1200);
        Assert.DoesNotContain(line, char.IsControl);
        Assert.NotEmpty(fixture.Lines(LogLevel.Debug)); // each attempt, for those who look
        Assert.Same(before, fixture.Snapshot);
        Assert.False(fixture.Client.FirstSync.IsCompleted);
    }

    [Fact]
    public async Task ExpiredCertificate_ThatIsReplaced_IsAcceptedAtTheNextAttempt()
    {
        await using var fixture = await ClientFixture.StartAsync(certificateLife: TimeSpan.FromMinutes(5));
        await fixture.WaitForEndsAsync("ConnectionError");

        fixture.ReplaceCertificate();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses());

        Assert.Single(fixture.Lines());
        Assert.Equal($"connected to {fixture.Server.Address}", Assert.Single(fixture.Lines(LogLevel.Information)));
    }

    [Fact]
    public async Task ServerThatGoesAway_IsSaidOnceAndFoundWhenItIsBack()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));
        await stream.SendAndReadAckAsync(Policies());
        var known = fixture.Snapshot;

        await fixture.Server.DisposeAsync();
        await fixture.WaitForEndsAsync("ConnectionError", Attempts);
        Assert.Same(known, fixture.Snapshot);
        Assert.Contains("Connection refused", Assert.Single(fixture.Lines()), StringComparison.Ordinal);

        await using var back = await fixture.StartAgainAsync();
        stream = await back.AcceptAsync();
        Assert.Equal("1", (await stream.ReadAsync()).InitialResourceVersions["Kubernetes//Pod/ns/a"]);
        _ = await stream.ReadAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("b", "10.0.0.2")));

        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
        Assert.True(fixture.Client.FirstSync.IsCompleted);
        Assert.Single(fixture.Lines());
        Assert.Equal(2, fixture.Lines(LogLevel.Information).Length); // connected, twice
    }

    /// <summary>GOAWAY says that no stream may be opened; the one that is open goes on (RFC 9113 section 6.8).</summary>
    [Fact]
    public async Task GoAway_WhileTheStreamGoesOn_IsNoReasonToLeaveIt()
    {
        await using var fixture = await ClientFixture.StartAsync();
        var stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("a", "10.0.0.1")));

        stream.SayGoAway();
        await stream.SendAndReadAckAsync(Addresses(Workload("b", "10.0.0.2")));
        Assert.Equal(2, fixture.Snapshot.Workloads.Count());
        stream.End();
        stream = await fixture.AcceptAsync();
        await stream.SendAndReadAckAsync(Addresses(Workload("c", "10.0.0.3")));

        Assert.Equal(3, fixture.Snapshot.Workloads.Count());
        Assert.Empty(fixture.Lines());
    }

    /// <summary>TCP takes the connection, nobody answers TLS. It has a limit of its own, and a stop does not wait for it.</summary>
    [Fact]
    public async Task ServerThatAcceptsAndNeverAnswers_IsGivenUpAndSaid()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var fixture = await ClientFixture.StartAsync(options => options with
        {
            XdsAddress = new Uri($"https://localhost:{((IPEndPoint)silent.LocalEndpoint).Port}"),
        });
        using var first = await silent.AcceptSocketAsync(Token);

        await Waiting.UntilAsync(() => fixture.Lines().Length > 0, Token);
        using var second = await silent.AcceptSocketAsync(Token);
        Assert.Contains("no stream to ", Assert.Single(fixture.Lines()), StringComparison.Ordinal);
        await fixture.Client.DisposeAsync().AsTask().WaitAsync(Limit, Token);

        await AssertClosedAsync(first);
        await AssertClosedAsync(second);
        Assert.False(fixture.Client.FirstSync.IsCompleted);
    }

    [Fact]
    public async Task ServerThatSpeaksSomethingElse_IsSaidOnce()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        await using var fixture = await ClientFixture.StartAsync(options => options with
        {
            XdsAddress = new Uri($"https://localhost:{((IPEndPoint)plain.LocalEndpoint).Port}"),
        });

        for (var i = 0; i < Attempts; i++)
        {
            using var connection = await plain.AcceptSocketAsync(Token);
            await connection.SendAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray(), Token);
            connection.Shutdown(SocketShutdown.Send);
            await connection.ReceiveAsync(new byte[4096], Token);
        }

        await fixture.WaitForEndsAsync("ConnectionError", Attempts);
        Assert.Single(fixture.Lines());
    }

    /// <summary>A stream on which nothing has changed yet looks the same: it is kept.</summary>
    [Fact]
    public async Task StreamWithoutAnyAnswer_IsWaitedForAndEndsWithTheClient()
    {
        var time = new ManualTime();
        await using var fixture = await ClientFixture.StartAsync(time: time);
        var stream = await fixture.AcceptAsync();

        time.Advance(TimeSpan.FromHours(1));
        Assert.False(fixture.Server.Script.Accepted.TryPeek(out _));
        Assert.False(fixture.Client.FirstSync.IsCompleted);
        await fixture.Client.DisposeAsync().AsTask().WaitAsync(Limit, Token);

        await Waiting.UntilAsync(() => stream.ClientGone.IsCancellationRequested, Token);
        Assert.Empty(fixture.Lines());
    }

    private static async Task AssertClosedAsync(Socket socket)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        var buffer = new byte[4096];
        try
        {
            while (await socket.ReceiveAsync(buffer, limit.Token) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset: closed as well.
        }
    }
}
