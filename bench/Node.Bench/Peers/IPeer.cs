using System.Net;
using Ztunnel.Demo;

namespace Node.Bench.Peers;

/// <summary>Something that carries connections from the client's pod to the server's.</summary>
internal interface IPeer
{
    /// <summary>One of <see cref="PeerNames"/>.</summary>
    string Name { get; }

    /// <summary>Where a client in the source pod connects to reach the echo server.</summary>
    IPEndPoint EchoTarget { get; }

    /// <summary>Where a client in the source pod connects to reach the iperf3 server.</summary>
    IPEndPoint IperfTarget { get; }

    /// <summary>Once, before the first start: files and rules.</summary>
    Task PrepareAsync(PodPair pods, CancellationToken cancellationToken);

    /// <summary>Starts the proxies, the one in the source pod first; none for a plain wire.</summary>
    /// <exception cref="CommandException">One does not listen in time.</exception>
    Task<IReadOnlyList<ChildProcess>> StartAsync(PodPair pods, CancellationToken cancellationToken);
}
