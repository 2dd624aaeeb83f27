using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hbone.Http2.Hpack;
using Hbone.Pool;
using Hbone.Tls;

namespace Hbone.Conformance.Exchanges;

/// <summary>Our pool, which plays the client's side of a plan.</summary>
internal sealed class ExchangeClient : IAsyncDisposable
{
    private readonly HbonePool _pool;
    private readonly HbonePoolKey _key;
    private int _connections;

    /// <param name="certificate">Who we are.</param>
    /// <param name="server">Whom we expect.</param>
    /// <param name="address">Where.</param>
    /// <param name="maxStreams">Streams on one connection.</param>
    public ExchangeClient(WorkloadCertificate certificate, SpiffeId server, EndPoint address, int maxStreams = 100)
    {
        _key = new HbonePoolKey(
            certificate.Identity!,
            [server],
            address as IPEndPoint ?? new IPEndPoint(IPAddress.Loopback, 0),
            IPAddress.Loopback);
        _pool = new HbonePool(
            new HbonePoolOptions { MaxStreamsPerConnection = maxStreams },
            new HboneEndpointOptions(),
            async (_, token) =>
            {
                Interlocked.Increment(ref _connections);
                var protocol = address is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified;
                var socket = new Socket(address.AddressFamily, SocketType.Stream, protocol);
                await socket.ConnectAsync(address, token);
                return socket;
            },
            (_, _) => ValueTask.FromResult(certificate),
            TimeProvider.System);
    }

    /// <summary>Connections that were dialled.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Runs the whole plan, so many exchanges at once.</summary>
    public async Task<ExchangeOutcome[]> RunAsync(ExchangePlan plan, int parallel, CancellationToken cancellationToken)
    {
        var outcomes = new ExchangeOutcome[plan.Exchanges.Count];
        await Parallel.ForEachAsync(
            plan.Exchanges,
            new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = cancellationToken },
            async (exchange, token) => outcomes[exchange.Index] = await RunAsync(plan, exchange, token));
        return outcomes;
    }

    /// <summary>Runs one exchange of a plan.</summary>
    public async Task<ExchangeOutcome> RunAsync(
        ExchangePlan plan, Exchange exchange, CancellationToken cancellationToken)
    {
        try
        {
            var tunnel = await OpenAsync(exchange, cancellationToken);
            return await new ExchangeSide(plan, exchange, tunnel.Stream, isServer: false).RunAsync();
        }
        catch (HboneStatusException refusal)
        {
            return new ExchangeOutcome(exchange.Index, 0, IsIntact: true, "end", null, refusal.Status);
        }
    }

    /// <summary>Opens a tunnel for an exchange.</summary>
    public ValueTask<HboneTunnel> OpenAsync(Exchange exchange, CancellationToken cancellationToken) => _pool.OpenAsync(
        _key,
        new HeaderField[]
        {
            new(":method", "CONNECT"),
            new(":authority", string.Create(CultureInfo.InvariantCulture, $"10.0.0.1:{1 + exchange.Index}")),
            new(Exchange.Header, exchange.Index.ToString(CultureInfo.InvariantCulture)),
        },
        cancellationToken);

    public ValueTask DisposeAsync() => _pool.DisposeAsync();
}
