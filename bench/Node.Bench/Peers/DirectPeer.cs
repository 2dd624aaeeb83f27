using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>No proxy.</summary>
internal sealed class DirectPeer : IPeer
{
    public string Name => PeerNames.Direct;

    public IPEndPoint EchoTarget { get; } = new(PodPair.DestinationAddress, PodPair.EchoPort);

    public IPEndPoint IperfTarget { get; } = new(PodPair.DestinationAddress, PodPair.IperfPort);

    public Task PrepareAsync(PodPair pods, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<ChildProcess>>([]);
}
