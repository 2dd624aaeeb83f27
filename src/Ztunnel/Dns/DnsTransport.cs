namespace Ztunnel.Dns;

/// <summary>How a query came; answers go, and are asked for, the same way.</summary>
internal enum DnsTransport
{
    Udp,
    Tcp,
}
