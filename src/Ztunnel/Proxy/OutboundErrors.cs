using Hbone.Http2;
using Hbone.Pool;
using Microsoft.AspNetCore.WebUtilities;
using Redirection;
using Ztunnel.Identity;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Turns a tunnel that could not be opened into the access log's words and the metric's flag.</summary>
internal static class OutboundErrors
{
    /// <summary>The access log's view of a failed <see cref="HbonePool.OpenAsync"/>.</summary>
    public static ProxyException From(Exception e) => e switch
    {
        IdentityException => new(ConnectionFailure.IdentityError, $"identity error: {e.Message}", e),
        HboneConnectException { TimedOut: true } => new(
            ConnectionFailure.NetworkPolicy,
            $"connection timed out, maybe a NetworkPolicy is blocking HBONE port 15008: {Io(e.InnerException!)}",
            e),
        HboneConnectException => new(ConnectionFailure.Connect, $"io error: {Io(e.InnerException!)}", e),
        HboneTlsException { InnerException.InnerException: Http2ConnectionException { IsPeerRevoked: true } outer } => new(
            ConnectionFailure.CertRevoked, outer.Message, e),
        HboneTlsException => new(ConnectionFailure.Connect, $"io error: {Io(e.InnerException!)}", e),
        HboneStatusException { Status: var status } => new(
            ConnectionFailure.Connect, $"http status: {status} {ReasonPhrases.GetReasonPhrase(status)}".TrimEnd(), e),
        HboneProtocolException { InnerException: Http2ConnectionException { IsPeerRevoked: true } revoked } => new(
            ConnectionFailure.CertRevoked, revoked.Message, e),
        HboneProtocolException or HboneAnswerTimeoutException => new(ConnectionFailure.H2HandshakeFailure, e.Message, e),
        _ => new(ConnectionFailure.Connect, $"io error: {Io(e)}", e),
    };

    /// <summary>An operating system's error as <c>text (os error n)</c>, anything else by its message.</summary>
    public static string Io(Exception e) => OsError.TryFind(e, out var error) ? error.ToString() : e.Message;
}
