using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>What became of a query to a name server.</summary>
/// <param name="Reply">Its answer, whatever it says, given to the receiver; null when there was none.</param>
/// <param name="Failure">Why there was none.</param>
internal readonly record struct UpstreamResult(DnsReply? Reply, string? Failure)
{
    /// <summary>Response code of the answer, without its upper bits; SERVFAIL without an answer.</summary>
    public DnsCode Code =>
        Reply is not null && DnsHeader.TryRead(Reply.Span, out var header) ? header.Code : DnsCode.ServerFailure;

    /// <summary>Whether no other server could say anything better.</summary>
    public bool IsFinal => Reply is not null && Code is (DnsCode.NoError or DnsCode.NameError);

    /// <summary>No answer.</summary>
    public static UpstreamResult Failed(string failure) => new(null, failure);
}
