using System.Collections.Concurrent;
using System.Globalization;
using Hbone.Http2;
using Hbone.Tests;
using Hbone.Tls;

namespace Hbone.Conformance.Exchanges;

/// <summary>Our HBONE server, the server's side of a plan; a request that is no CONNECT is refused with 400.</summary>
internal sealed class ExchangeServer : IAsyncDisposable
{
    private readonly ConcurrentBag<(Exchange Exchange, Task<ExchangeOutcome> Outcome)> _running = [];
    private readonly ConcurrentBag<ConnectRequest> _others = [];
    private readonly HboneServer _server;
    private readonly ExchangePlan _plan;

    public ExchangeServer(WorkloadCertificate certificate, ExchangePlan plan, HboneEndpointOptions? options = null)
    {
        _plan = plan;
        _server = new HboneServer(certificate, Serve, options);
    }

    public int Port => _server.Address.Port;

    public HboneServer Server => _server;

    /// <summary>Requests that were no CONNECT.</summary>
    public IReadOnlyCollection<ConnectRequest> Others => _others;

    /// <summary>What it saw of each exchange; waits for those that run.</summary>
    public Task<ExchangeOutcome[]> OutcomesAsync() => Task.WhenAll(_running.Select(running => running.Outcome));

    /// <summary>The same of one course only.</summary>
    public Task<ExchangeOutcome[]> OutcomesAsync(Course course) => Task.WhenAll(
        _running.Where(running => running.Exchange.Course == course).Select(running => running.Outcome));

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await OutcomesAsync();
    }

    private void Serve(ConnectRequest request)
    {
        if (request.Method != "CONNECT")
        {
            _others.Add(request);
            request.Refuse(400);
            return;
        }

        var exchange = _plan.Exchanges[int.Parse(request.Header(Exchange.Header)!, CultureInfo.InvariantCulture)];
        if (exchange.Course == Course.Refused)
        {
            request.Refuse(exchange.Code);
            return;
        }

        request.Accept();
        _running.Add((exchange, new ExchangeSide(_plan, exchange, request.Stream, isServer: true).RunAsync()));
    }
}
