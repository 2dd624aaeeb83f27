using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Ztunnel.Config;

namespace Ztunnel.Control;

/// <summary>HTTP/2 to one control plane server, as XDS and CA both use it: who is dialled, trusted and kept alive how.</summary>
internal static class ControlPlaneHandler
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A handler for one server; dispose it to close the connection.</summary>
    /// <param name="address"><c>https</c>; <c>http</c> to this machine only.</param>
    /// <param name="server">Which roots and names are accepted.</param>
    /// <param name="roots">The same roots, which the caller may watch.</param>
    /// <param name="options">For TLS versions, and for the mark inside a captured pod.</param>
    /// <exception cref="ControlPlaneException">The address is plaintext to another machine, or of another scheme.</exception>
    public static SocketsHttpHandler Create(
        Uri address, ControlPlaneOptions server, ControlPlaneRoots roots, ProxyOptions options)
    {
        if (address.Scheme != Uri.UriSchemeHttps && !(address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
        {
            throw new ControlPlaneException(
                $"unsupported scheme {address.Scheme}: {address.OriginalString} has to be https");
        }

        var mark = options.Mode == ProxyMode.Dedicated ? options.PacketMark : null;
        return new SocketsHttpHandler
        {
            ConnectCallback = new ControlPlaneConnector(mark).ConnectAsync,
            ConnectTimeout = ConnectTimeout,
            SslOptions = TlsFor(
                new ServerCertificateCheck(roots, address.IdnHost, server.AlternateHostname),
                server.RootCertificates.Kind,
                options.Tls12Enabled),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            KeepAlivePingDelay = PingInterval,
            KeepAlivePingTimeout = PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
    }

    // ALPN is set by the handler: h2 alone, as only HTTP/2 requests are made. So is the server name.
    private static SslClientAuthenticationOptions TlsFor(
        ServerCertificateCheck check, RootCertificateKind roots, bool allowTls12) => new()
        {
            EnabledSslProtocols = allowTls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            CipherSuitesPolicy = CipherSuites(),
            RemoteCertificateValidationCallback = check.Accept,
            // The library's own verdict is not asked for: without this it would read the system's store for it.
            CertificateChainPolicy = roots == RootCertificateKind.System ? null : new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            },
        };

#pragma warning disable CA1416 // the proxy runs on Linux only
    private static CipherSuitesPolicy CipherSuites() => new(
    [
        TlsCipherSuite.TLS_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ]);
#pragma warning restore CA1416
}
