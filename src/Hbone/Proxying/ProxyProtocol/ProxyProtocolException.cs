namespace Hbone.Proxying.ProxyProtocol;

/// <summary>What came is no PROXY protocol header, or one that cannot be believed: the connection is to be closed.</summary>
public sealed class ProxyProtocolException(string message) : Exception(message);
