using System.Net;
using Hbone;
using Hbone.Http2;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tls;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Connections that outlive the certificate they were made with.</summary>
public sealed class ExpiryDrainTests : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Margin = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);
    private static readonly HeaderField[] Connect = [new(":method", "CONNECT"), new(":authority", "10.0.0.1:80")];

    private readonly ManualTime _time = new(DateTimeOffset.UtcNow);
    private readonly WorkloadCertificate _certificate;
    private readonly HbonePool _pool;
    private readonly TaskCompletionSource<Http2Connection> _served = new();

    public ExpiryDrainTests()
    {
        var now = DateTimeOffset.UtcNow;
        _certificate = Identity.TestCertificates.Issue(Identity.TestCertificates.Alice, now.AddMinutes(-1), now.AddHours(1));
        var options = new HboneEndpointOptions { ExpiryDrainMargin = Margin, ExpiryDrainDeadline = Deadline };
        _pool = new HbonePool(
            new HbonePoolOptions(),
            new HboneEndpointOptions(),
            async (key, token) =>
            {
                var (client, server) = await LoopbackSockets.ConnectAsync(token);
                _ = ServeAsync(); // its outcome is in _served
                return client;

                async Task ServeAsync()
                {
                    try
                    {
                        _served.SetResult(await HboneEndpoint.AcceptAsync(
                            server, _certificate, options, request => request.Accept(), _time, token));
                    }
                    catch (TlsException e)
                    {
                        _served.SetException(e);
                    }
                }
            },
            (_, _) => ValueTask.FromResult(_certificate),
            TimeProvider.System);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        await (await _served.Task).DisposeAsync();
    }

    [Fact]
    public async Task Connection_PastTheMargin_IsDrainedAndAfterTheDeadlineCut()
    {
        await OpenAsync();
        var connection = await _served.Task.WaitAsync(Limit, Token);

        _time.Advance(TimeSpan.FromHours(1)); // the end of the certificate
        await UntilNextDueAsync(Margin + Second); // certificates count in seconds
        Assert.False(connection.Completion.IsCompleted);

        _time.Advance(Margin + Second);
        await UntilNextDueAsync(Deadline);
        Assert.False(connection.Completion.IsCompleted); // its stream may finish

        _time.Advance(Deadline);
        await connection.Completion.WaitAsync(Limit, Token);
    }

    [Fact]
    public async Task Connection_PastTheMarginWithoutStreams_Ends()
    {
        var tunnel = await OpenAsync();
        var connection = await _served.Task.WaitAsync(Limit, Token);
        tunnel.Stream.Reset(Http2ErrorCode.Cancel);

        _time.Advance(TimeSpan.FromHours(1) + Margin + Second);

        await connection.Completion.WaitAsync(Limit, Token);
    }

    private ValueTask<HboneTunnel> OpenAsync()
    {
        var alice = Identity.TestCertificates.Alice;
        var key = new HbonePoolKey(alice, [alice], new IPEndPoint(IPAddress.Loopback, 15008), IPAddress.Loopback);
        return _pool.OpenAsync(key, Connect, Token);
    }

    /// <summary>The drain has set its next timer; that of the keep-alive has fired before and is not periodic here.</summary>
    private async Task UntilNextDueAsync(TimeSpan within)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!(_time.NextDue <= _time.GetUtcNow() + within))
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
