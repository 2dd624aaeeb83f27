using System.Net.Sockets;
using Hbone.Pool;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>What an attempt to reach a destination came to: a tunnel, a socket or an error, and never two of them.</summary>
internal readonly record struct UpstreamOpening
{
    public UpstreamOpening(Socket socket) => Socket = socket;

    public UpstreamOpening(ProxyException error) => Error = error;

    private UpstreamOpening(in TunnelOpening opening)
    {
        Tunnel = opening.Tunnel;
        Error = opening.Error;
    }

    public HboneTunnel? Tunnel { get; }

    public Socket? Socket { get; }

    /// <summary>In the access log's words; what they come from is inside.</summary>
    public ProxyException? Error { get; }

    /// <summary>The same of a tunnel that is being opened.</summary>
    public static async Task<UpstreamOpening> OfAsync(Task<TunnelOpening> opening) => new(await opening);
}
