using Hbone.Http2;
using Hbone.Proxying;
using Redirection;
using Ztunnel.Telemetry;

namespace Ztunnel.Proxy;

/// <summary>Turns the end of a copy into what the access log says about it.</summary>
internal static class CopyErrors
{
    /// <summary>
    /// As below, for a tunnel: when it was ended because its peer is revoked, that is the reason, whatever else broke.
    /// </summary>
    public static ProxyException? From(CopyResult result, Http2Stream stream) =>
        stream.Failure is Http2ConnectionException { IsPeerRevoked: true } revoked
            ? new ProxyException(ConnectionFailure.CertRevoked, revoked.Message, revoked)
            : From(result);

    /// <summary>Null for an orderly end. If both directions failed, the one that failed first is reported.</summary>
    public static ProxyException? From(CopyResult result) => (result.Up, result.Down) switch
    {
        (null, null) => null,
        (_, { } down) when result.DownFirst => Describe("receive", down),
        ({ } up, _) => Describe("send", up),
        (_, { } down) => Describe("receive", down),
    };

    private static ProxyException Describe(string direction, Exception e) => new(
        ConnectionFailure.Connect,
        $"{direction}: io error: {(e is Http2Exception ? e.Message : OsError.Describe(e))}",
        e);
}
