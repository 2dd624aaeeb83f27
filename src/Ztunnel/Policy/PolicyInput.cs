using System.Net;
using Hbone.Tls;

namespace Ztunnel.Policy;

/// <summary>The facts of one connection that policies look at, as the destination side sees them.</summary>
/// <param name="Source">The caller; for HBONE the address its tunnel comes from.</param>
/// <param name="Destination">Where the connection goes after the HBONE authority was resolved.</param>
/// <param name="Identity">The caller's verified identity; null for plaintext.</param>
internal readonly record struct PolicyInput(IPEndPoint Source, IPEndPoint Destination, SpiffeId? Identity);
