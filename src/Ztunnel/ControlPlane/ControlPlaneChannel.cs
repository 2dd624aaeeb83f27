using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Redirection;
using Ztunnel.Config;

namespace Ztunnel.ControlPlane;

/// <summary>
/// A gRPC channel to one server of the control plane: verified with its own roots and without a look at revocation,
/// which istiod's CA has no service for. Roots are those of the moment it is made.
/// </summary>
internal sealed class ControlPlaneChannel : IDisposable
{
    private const int MaxReceivedBytes = 200 * 1024 * 1024;

    // A first push is one message with the whole mesh; with small windows it would wait for the network round by round.
    private const int StreamWindow = 4 * 1024 * 1024;

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(10);

    private static readonly KeepaliveOptions Keepalive = new()
    {
        Time = TimeSpan.FromSeconds(300),
        Interval = TimeSpan.FromSeconds(75),
        Retries = 9,
    };

    private readonly GrpcChannel _channel;
    private readonly X509Certificate2Collection? _roots;

    private ControlPlaneChannel(GrpcChannel channel, X509Certificate2Collection? roots)
    {
        _channel = channel;
        _roots = roots;
    }

    /// <summary>Makes calls. Each finds the connection or opens it.</summary>
    public CallInvoker Invoker => _channel.CreateCallInvoker();

    /// <summary>Prepares a channel; nothing is connected yet.</summary>
    /// <exception cref="ControlPlaneException">The address is not https, or there are no roots.</exception>
    public static ControlPlaneChannel Create(Uri address, ControlPlaneOptions server, ProxyOptions options)
    {
        if (address.Scheme != Uri.UriSchemeHttps)
        {
            throw new ControlPlaneException($"unsupported scheme {address.Scheme} in {address}: expected https");
        }

        var roots = RootCertificates.Read(server.RootCertificates);
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = ConnectTimeout,
            KeepAlivePingDelay = PingInterval,
            KeepAlivePingTimeout = PingTimeout,
            InitialHttp2StreamWindowSize = StreamWindow,
            PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
            UseProxy = false,
            SslOptions = TlsFor(server, roots, options.Tls12Enabled),
            ConnectCallback = (context, cancellationToken) =>
                ConnectAsync(context.DnsEndPoint, options.PacketMark, cancellationToken),
        };
        var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxReceivedBytes,
            CompressionProviders = [],
        });
        return new ControlPlaneChannel(channel, roots);
    }

    /// <summary>Ends every call.</summary>
    public void Dispose()
    {
        _channel.Dispose();
        foreach (var root in _roots ?? [])
        {
            root.Dispose();
        }
    }

    private static SslClientAuthenticationOptions TlsFor(
        ControlPlaneOptions server, X509Certificate2Collection? roots, bool allowTls12)
    {
        var policy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1")); // server authentication
        if (roots is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(roots);
        }

        return new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            EnabledSslProtocols = allowTls12 ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, _, errors) => errors switch
            {
                SslPolicyErrors.None => true,
                // The chain is good and only the name is another one.
                SslPolicyErrors.RemoteCertificateNameMismatch => server.AlternateHostname is { } name
                    && certificate is X509Certificate2 presented
                    && presented.MatchesHostname(name),
                _ => false,
            },
        };
    }

    /// <summary>Marked like all our connections: in a captured pod they would come back to us otherwise.</summary>
    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint server, uint? mark, CancellationToken cancellationToken)
    {
        var connector = new UpstreamConnector();
        var socketOptions = new UpstreamSocketOptions
        {
            Mark = mark,
            Keepalive = Keepalive,
            ConnectTimeout = ConnectTimeout,
        };
        SocketException? last = null;
        foreach (var address in await Dns.GetHostAddressesAsync(server.Host, cancellationToken))
        {
            try
            {
                var endpoint = new IPEndPoint(address, server.Port);
                var socket = await connector.ConnectAsync(endpoint, null, socketOptions, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e)
            {
                last = e;
            }
        }

        throw last ?? new SocketException((int)SocketError.HostNotFound);
    }
}
