using Microsoft.Extensions.Logging;
using Ztunnel.Dns.Wire;
using Ztunnel.Mesh;

namespace Ztunnel.Dns;

/// <summary>
/// One debug line for each query, target <c>dns</c>, with Istio's keys. Keys have dots, which templates cannot hold.
/// </summary>
internal sealed class DnsQueryLog(ILoggerFactory loggers)
{
    private const string Unknown = "unknown";

    private readonly ILogger _logger = loggers.CreateLogger("dns");

    /// <summary>Whether the lines are written at all.</summary>
    public bool IsEnabled => _logger.IsEnabled(LogLevel.Debug);

    /// <summary>What became of a query; ask <see cref="IsEnabled"/> first.</summary>
    /// <param name="client">The pod that asked.</param>
    /// <param name="octets">The query.</param>
    /// <param name="query">What was read of it.</param>
    /// <param name="result">In Istio's words.</param>
    /// <param name="endpoints">Addresses answered.</param>
    public void Write(Workload client, ReadOnlySpan<byte> octets, in DnsMessage query, string result, int endpoints)
    {
        var domain = query.NameLength == 0 ? "." : DnsName.ToText(query.NameIn(octets));
        KeyValuePair<string, object?>[] fields =
        [
            new("src.workload", client.Name is "" ? Unknown : client.Name),
            new("src.namespace", client.Namespace),
            new("query", DnsType.ToLabel(query.Type).ToUpperInvariant()),
            new("domain", domain),
            new("result", result),
            new("endpoints", endpoints),
        ];
        _logger.Log(LogLevel.Debug, new EventId(7000), fields, null, static (_, _) => "");
    }
}
