using System.Net.Sockets;
using Hbone.Proxying;

namespace Hbone.Tests.Proxying;

public sealed class ClientWatchTests : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly ManualTime _time = new();
    private SocketPair? _pair;
    private ClientWatch? _watch;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_watch is not null)
        {
            await _watch.DisposeAsync();
        }

        _pair?.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Gone_ApplicationResets_FiresThoughSomethingIsUnread(bool spoke)
    {
        var (pair, watch) = await StartAsync(CancellationToken.None);
        if (spoke)
        {
            await pair.Application.SendAsync("hello"u8.ToArray(), Token);
        }

        _time.Advance(Interval);
        Assert.False(watch.Gone.IsCancellationRequested);
        pair.Reset();

        await Eventually.TrueAsync(() =>
        {
            _time.Advance(Interval);
            return watch.Gone.IsCancellationRequested;
        });
    }

    [Fact]
    public async Task Gone_ApplicationOnlyHalfCloses_DoesNotFire()
    {
        var (pair, watch) = await StartAsync(CancellationToken.None);
        pair.Application.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await pair.Proxy.ReceiveAsync(new byte[1], Token));

        _time.Advance(10 * Interval);

        Assert.False(watch.Gone.IsCancellationRequested);
    }

    [Fact]
    public async Task Gone_OtherTokenFires_FiresToo()
    {
        using var drain = new CancellationTokenSource();
        var (_, watch) = await StartAsync(drain.Token);

        await drain.CancelAsync();

        Assert.True(watch.Gone.IsCancellationRequested);
    }

    private async Task<(SocketPair Pair, ClientWatch Watch)> StartAsync(CancellationToken cancellationToken)
    {
        _pair = await SocketPair.ConnectAsync(Token);
        _watch = new ClientWatch(_pair.Proxy, _time, cancellationToken);
        return (_pair, _watch);
    }
}
