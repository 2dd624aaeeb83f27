using System.Net.Sockets;
using Hbone.Http2;
using Hbone.Tls;
using Hbone.Tls.OpenSsl;

namespace Hbone;

/// <summary>
/// Makes HBONE connections out of connected sockets: mutual TLS with SPIFFE certificates, then HTTP/2 (RFC 9113) whose
/// streams are CONNECT tunnels.
/// </summary>
public static class HboneEndpoint
{
    /// <summary>The side that listens on port 15008. Takes the socket over, on failure too.</summary>
    /// <param name="socket">An accepted connection.</param>
    /// <param name="certificate">Who we are; the peer must be of the same trust domain.</param>
    /// <param name="options">Parameters.</param>
    /// <param name="serve">Starts to answer a request; runs in the read loop, so it must not block or throw.</param>
    /// <param name="time">Clock of the time limits and the keep-alive.</param>
    /// <param name="cancellationToken">Gives the handshake up.</param>
    /// <exception cref="TlsException">The handshake failed or broke, for the reason in the text.</exception>
    public static async Task<Http2Connection> AcceptAsync(
        Socket socket,
        WorkloadCertificate certificate,
        HboneEndpointOptions options,
        Action<ConnectRequest> serve,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(options);
        var passed = options.Revocations?.Current ?? RevocationSet.Empty;
        var transport = await AuthenticateAsync(
            new SocketCarrier(socket),
            certificate,
            server: true,
            peer => PeerRules.SameTrustDomain(certificate.Identity, peer),
            passed,
            options,
            time,
            cancellationToken);
        return Start(
            new Http2Connection(transport, Http2Role.Server(options.Http2, serve), options.Memory, time)
            {
                Ended = options.Ended,
            },
            certificate,
            passed,
            options,
            time);
    }

    /// <summary>The side that dialled port 15008. Takes the socket over, on failure too.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="certificate">Who we are.</param>
    /// <param name="expected">Identities of which the peer must present one.</param>
    /// <param name="options">Parameters.</param>
    /// <param name="time">Clock of the time limits and the keep-alive.</param>
    /// <param name="cancellationToken">Gives the handshake up.</param>
    /// <exception cref="TlsException">The handshake failed or broke, for the reason in the text.</exception>
    public static Task<Http2Connection> ConnectAsync(
        Socket socket,
        WorkloadCertificate certificate,
        IReadOnlyList<SpiffeId> expected,
        HboneEndpointOptions options,
        TimeProvider time,
        CancellationToken cancellationToken) =>
        ConnectAsync(new SocketCarrier(socket), certificate, expected, options, time, cancellationToken);

    /// <summary>The same on a socket or inside of an open tunnel.</summary>
    internal static async Task<Http2Connection> ConnectAsync(
        IRecordCarrier carrier,
        WorkloadCertificate certificate,
        IReadOnlyList<SpiffeId> expected,
        HboneEndpointOptions options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        ArgumentNullException.ThrowIfNull(options);
        var passed = options.Revocations?.Current ?? RevocationSet.Empty;
        var transport = await AuthenticateAsync(
            carrier,
            certificate,
            server: false,
            peer => PeerRules.OneOf(expected, peer),
            passed,
            options,
            time,
            cancellationToken);
        return Start(
            new Http2Connection(transport, Http2Role.Client(options.Http2), options.Memory, time)
            {
                Ended = options.Ended,
            },
            certificate,
            passed,
            options,
            time);
    }

    private static async Task<TlsConnection> AuthenticateAsync(
        IRecordCarrier carrier,
        WorkloadCertificate certificate,
        bool server,
        Func<IReadOnlyList<SpiffeId>, string?> check,
        RevocationSet revocations,
        HboneEndpointOptions options,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        try
        {
            return await TlsConnection.AuthenticateAsync(
                carrier,
                certificate.ContextFor(server, options.AllowTls12),
                server,
                new PeerVerification(check, revocations),
                options.TlsHandshakeTimeout,
                time,
                cancellationToken);
        }
        catch (SocketException e)
        {
            carrier.Dispose();
            throw new TlsException(e.Message, e);
        }
        catch (TlsException e)
        {
            carrier.Dispose(); // our own certificate was of no use
            if (e.IsPeerRevoked)
            {
                options.Revocations?.CountRefused(server);
            }

            throw;
        }
    }

    private static Http2Connection Start(
        Http2Connection connection,
        WorkloadCertificate certificate,
        RevocationSet passed,
        HboneEndpointOptions options,
        TimeProvider time)
    {
        connection.Start();
        options.Revocations?.Track(connection, passed);
        if (options.ExpiryDrainMargin is { } margin)
        {
            var due = certificate.NotAfter + margin;
            _ = ExpiryDrain.RunAsync(connection, due, options.ExpiryDrainDeadline, time); // ends with the connection
        }

        return connection;
    }
}
