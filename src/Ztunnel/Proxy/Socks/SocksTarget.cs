using System.Net;

namespace Ztunnel.Proxy.Socks;

/// <summary>Where a client wants to go: an address or a name, one of them null.</summary>
/// <param name="Address">As the client gave it.</param>
/// <param name="Hostname">Lower case, no final dot.</param>
/// <param name="Port">May be 0, which nobody listens on.</param>
internal readonly record struct SocksTarget(IPAddress? Address, string? Hostname, ushort Port);
