using Microsoft.Extensions.Logging;
using Ztunnel.Config;
using Ztunnel.Mesh;
using Ztunnel.Mesh.Local;
using Ztunnel.State;
using Ztunnel.Telemetry;
using Ztunnel.Tests.Proxy;
using Ztunnel.Xds;

namespace Ztunnel.Tests.State;

/// <summary>What of a proxy has to do with the mesh, from a start to a stop.</summary>
internal sealed class ProxyLife : IAsyncDisposable
{
    /// <param name="options">With a state directory and a control plane, which may be away.</param>
    /// <param name="time">Of the state; the client has a clock that runs.</param>
    public ProxyLife(ProxyOptions options, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        State = LastKnownState.Load(options, LocalMesh.Empty, time, Loggers.CreateLogger<LastKnownState>())!;
        Mesh = new MeshState(State.InitialMesh(MeshSnapshot.Empty(options.NodeName)), time);
        Client = new XdsClient(options, Mesh, new XdsMetrics(Registry), TimeProvider.System, Loggers);
        State.Attach(Client, Mesh, Loggers.CreateLogger<StateKeeper>());
        StateMetrics.Add(Registry, State, time);
        Client.Start();
    }

    public CategoryLoggers Loggers { get; } = new();

    public MetricsRegistry Registry { get; } = new();

    public LastKnownState State { get; }

    public MeshState Mesh { get; }

    public XdsClient Client { get; }

    public async Task<string> ScrapeAsync()
    {
        using var output = new MemoryStream();
        await Registry.WriteAsync(output, TestContext.Current.CancellationToken);
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await State.DisposeAsync();
        Loggers.Dispose();
    }
}
