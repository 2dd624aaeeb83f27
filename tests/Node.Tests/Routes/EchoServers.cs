using Ztunnel.Demo;

namespace Node.Tests.Routes;

/// <summary>The same application in several pods.</summary>
internal sealed class EchoServers : IAsyncDisposable
{
    private readonly List<PodServer> _servers = [];

    /// <summary>How many connections each has had, in the order of the pods.</summary>
    public IEnumerable<int> Connections => _servers.Select(server => server.Peers.Count);

    public static EchoServers Start(params ReadOnlySpan<Pod> pods)
    {
        var servers = new EchoServers();
        foreach (var pod in pods)
        {
            servers._servers.Add(PodServer.Start(pod, RouteMesh.EchoPort, PodServer.EchoTwiceAsync));
        }

        return servers;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }
}
