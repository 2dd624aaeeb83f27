using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns.Hosts;

/// <summary>Asks name servers for the addresses of hostnames. Holds no state of a query.</summary>
/// <param name="servers">Who is asked.</param>
/// <param name="udp">How they are asked first.</param>
/// <param name="tcp">How they are asked for what does not fit into a datagram.</param>
/// <param name="ipv6">Whether IPv6 addresses are of use.</param>
/// <param name="limits">How long it may take.</param>
/// <param name="time">Clock.</param>
internal sealed class HostQueries(
    NameServers servers,
    IUpstreamTransport udp,
    IUpstreamTransport tcp,
    bool ipv6,
    HostLimits limits,
    TimeProvider time)
{
    /// <summary>
    /// Asks for both families together. A name is asked for as it is: search lists are for what people type, and hostnames
    /// of workloads are complete. Never throws.
    /// </summary>
    /// <param name="hostname">Lower case, no final dot, labels of 1 to 63 octets, 253 octets at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<HostAnswer> AskAsync(string hostname, CancellationToken cancellationToken)
    {
        Forwarder forwarder;
        try
        {
            forwarder = servers.Forwarder;
        }
        catch (IOException e)
        {
            return FamilyAnswer.Join(new([], TimeSpan.Zero, e.Message), FamilyAnswer.None, limits);
        }

        using var timer = new CancellationTokenSource(limits.Duration, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        var first = AskAsync(forwarder, hostname, DnsType.A, end.Token);
        var second = ipv6
            ? AskAsync(forwarder, hostname, DnsType.Aaaa, end.Token)
            : Task.FromResult(FamilyAnswer.None);
        if (await await Task.WhenAny(first, second) is { Addresses.IsEmpty: false })
        {
            // Some name servers never answer the family that they have nothing of.
            timer.CancelAfter(limits.OtherFamily);
        }

        return FamilyAnswer.Join(await first, await second, limits);
    }

    private async Task<FamilyAnswer> AskAsync(
        Forwarder forwarder, string hostname, ushort type, CancellationToken cancellationToken)
    {
        var octets = AddressRecords.QueryFor(hostname, type);
        _ = DnsMessage.TryRead(octets, out var query);
        var result = await forwarder.AskAsync(
            new UpstreamQuery(octets, query, Edns.SmallestPayload), udp, cancellationToken);
        using var reply = result.Reply;
        if (!IsCut(reply))
        {
            return FamilyAnswer.Of(result, type, limits.Addresses);
        }

        var whole = await forwarder.AskAsync(
            new UpstreamQuery(octets, query, DnsMessage.MaxLength), tcp, cancellationToken);
        using var wholeReply = whole.Reply;
        var answer = FamilyAnswer.Of(whole, type, limits.Addresses);

        // Where nobody answers over TCP, some of the addresses are better than none.
        return answer.Failure is not null && FamilyAnswer.Of(result, type, limits.Addresses) is { Addresses.IsEmpty: false } part
            ? part
            : answer;
    }

    private static bool IsCut(DnsReply? reply) =>
        reply is not null
        && DnsHeader.TryRead(reply.Span, out var header)
        && (reply.Length > Edns.SmallestPayload || (header.Flags & DnsFlags.Truncated) != 0);
}
