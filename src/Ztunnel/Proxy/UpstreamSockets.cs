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
    /// <param name="services">All options, and the revocation lists in force.</param>
    /// <param name="memory">What the connections' buffers count against.</param>
    public static HboneEndpointOptions EndpointFor(ProxyServices services, MemoryBudget memory) => new()
    {
        Memory = memory,
        Http2 = services.Options.Http2,
        TlsHandshakeTimeout = services.Options.Pool.TlsHandshakeTimeout,
        AllowTls12 = services.Options.Tls12Enabled,
        Revocations = services.Crl?.Peers,
        ExpiryDrainMargin = services.Options.CertificateExpiryDrainMargin,
        ExpiryDrainDeadline = services.Options.ConnectionTerminationDeadline,
    };
}
