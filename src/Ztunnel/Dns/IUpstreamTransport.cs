using System.Net;

namespace Ztunnel.Dns;

/// <summary>How one name server is asked.</summary>
internal interface IUpstreamTransport
{
    /// <summary>
    /// Asks until there is an answer, the server is out of reach or the token fires. All three are results, none throws.
    /// </summary>
    Task<UpstreamResult> AskAsync(IPEndPoint server, UpstreamQuery query, CancellationToken cancellationToken);
}
