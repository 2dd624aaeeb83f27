using System.Net;
using Hbone.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using Ztunnel.Admin;
using Ztunnel.Admin.Profiling;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Admin;

/// <summary>The administrative servers on free ports, and a client for them.</summary>
internal sealed class AdminFixture : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler());
    private readonly IAdminRequestHandler _admin;
    private readonly IAdminRequestHandler _stats;
    private readonly IAdminRequestHandler _readiness;
    private AdminServers? _servers;

    private AdminFixture(ConfigDumpSection[] sections)
    {
        _admin = new AdminRequestHandler(
            new ConfigDump(() => sections),
            Log,
            new ProfilingEndpoints(new MemoryBudget(1 << 20), Time),
            () => Quit.TrySetResult());
        _stats = new StatsRequestHandler(Metrics);
        _readiness = new ReadinessRequestHandler(Gate);
    }

    /// <summary>Clock of the profiles.</summary>
    public ManualTime Time { get; } = new();

    public LogSink Log { get; } =
        new(new MemoryStream(), LogFormat.Plain, LogFilter.FromEnvironment(null), TimeProvider.System);

    public MetricsRegistry Metrics { get; } = new();

    public ReadinessGate Gate { get; } = new(new ManualTime(), NullLogger<ReadinessGate>.Instance);

    public TaskCompletionSource Quit { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<AdminFixture> StartAsync(params ConfigDumpSection[] sections)
    {
        var fixture = new AdminFixture(sections);
        fixture._servers = await fixture.StartServersAsync(
            new AdminServerOptions { AdminPort = 0, StatsPort = 0, ReadinessPort = 0 });
        return fixture;
    }

    /// <summary>Starts further servers with the same handlers.</summary>
    public Task<AdminServers> StartServersAsync(AdminServerOptions options) => AdminServers.StartAsync(
        options, _admin, _stats, _readiness, NullLogger<AdminServers>.Instance, TestContext.Current.CancellationToken);

    /// <summary>Where the handler of a well-known port listens here.</summary>
    public IEnumerable<IPEndPoint> EndPointsOf(int wellKnownPort) => _servers!.EndPointsOf(wellKnownPort switch
    {
        15000 => _admin,
        15020 => _stats,
        _ => _readiness,
    });

    public Task<HttpResponseMessage> SendAsync(
        int wellKnownPort, string method, string path, params (string Name, string Value)[] headers)
    {
        var address = new IPEndPoint(IPAddress.Loopback, EndPointsOf(wellKnownPort).First().Port);
        var request = new HttpRequestMessage(HttpMethod.Parse(method), new Uri($"http://{address}{path}"));
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return _client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<string> GetTextAsync(int wellKnownPort, string path)
    {
        using var response = await SendAsync(wellKnownPort, "GET", path);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _servers!.DisposeAsync();
        _client.Dispose();
        Log.Dispose();
    }
}
