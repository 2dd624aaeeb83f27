namespace Ztunnel.Proxy.Socks;

/// <summary>A handshake that cannot go on.</summary>
/// <param name="message">Why, for the log.</param>
/// <param name="code">What the client is told, unless its greeting is at fault: then that no method will do.</param>
internal sealed class SocksException(string message, SocksReplyCode code) : Exception(message)
{
    public SocksReplyCode Code { get; } = code;
}
