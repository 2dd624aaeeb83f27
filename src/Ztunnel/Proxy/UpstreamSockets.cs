using Hbone;
using Hbone.Memory;
using Redirection;
using Ztunnel.Config;

namespace Ztunnel.Proxy;

/// <summary>Parameters of outgoing connections, made from the options.</summary>
internal static class UpstreamSockets
{
    /// <summary>Mark, keepalive and time limit of every outgoing TCP connection.</summary>
    public static UpstreamSocketOptions For(ProxyOptions options) => new()
    {
        Mark = options.PacketMark,
        Keepalive = options.KeepAlive,
        ConnectTimeout = options.Pool.ConnectTimeout,
    };

    /// <summary>The same for the application in our own pod.</summary>
    public static UpstreamSocketOptions ForApplication(ProxyOptions options) => For(options) with { IsLoopbackHop = true };

    /// <summary>Parameters of HBONE in both roles.</summary>
    /// <param name="options">All options.</param>
    /// <param name="memory">What the connections' buffers count against.</param>
    public static HboneEndpointOptions EndpointFor(ProxyOptions options, MemoryBudget memory) => new()
    {
        Memory = memory,
        Http2 = options.Http2,
        TlsHandshakeTimeout = options.Pool.TlsHandshakeTimeout,
        AllowTls12 = options.Tls12Enabled,
    };
}
