using System.Net;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>Finds addresses of names for the proxy of a pod, as the pod itself would be answered.</summary>
/// <param name="responder">Of the pod.</param>
/// <param name="ipv6">Whether IPv6 addresses are of use.</param>
internal sealed class NameLookup(DnsResponder responder, bool ipv6)
{
    /// <summary>
    /// The addresses of both families, in turns and IPv4 first, each in the order of its answer; empty when the name is
    /// nobody's or nobody answers. The families are asked for together.
    /// </summary>
    /// <param name="hostname">Lower case, no final dot, labels of 1 to 63 octets, 253 octets at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public async Task<IReadOnlyList<IPAddress>> FindAsync(string hostname, CancellationToken cancellationToken)
    {
        var first = AskAsync(hostname, DnsType.A, cancellationToken);
        var second = ipv6 ? AskAsync(hostname, DnsType.Aaaa, cancellationToken) : Task.FromResult<List<IPAddress>>([]);
        await Task.WhenAll(first, second);
        cancellationToken.ThrowIfCancellationRequested();
        var (ipv4Addresses, ipv6Addresses) = (await first, await second);
        var all = new List<IPAddress>(ipv4Addresses.Count + ipv6Addresses.Count);
        for (var i = 0; i < Math.Max(ipv4Addresses.Count, ipv6Addresses.Count); i++)
        {
            all.AddRange(ipv4Addresses.Skip(i).Take(1));
            all.AddRange(ipv6Addresses.Skip(i).Take(1));
        }

        return all;
    }

    private async Task<List<IPAddress>> AskAsync(string hostname, ushort type, CancellationToken cancellationToken)
    {
        var query = AddressRecords.QueryFor(hostname, type);
        using var reply = await AskAsync(query, DnsTransport.Udp, cancellationToken);
        if (reply is null || !DnsHeader.TryRead(reply.Span, out var header))
        {
            return [];
        }

        if ((header.Flags & DnsFlags.Truncated) == 0)
        {
            return AddressRecords.Read(reply.Span, type);
        }

        using var whole = await AskAsync(query, DnsTransport.Tcp, cancellationToken);
        return AddressRecords.Read((whole ?? reply).Span, type);
    }

    private async Task<DnsReply?> AskAsync(byte[] query, DnsTransport transport, CancellationToken cancellationToken)
    {
        var reply = new DnsReply();
        switch (responder.Decide(query, transport, reply))
        {
            case Decision.Answer:
                return reply;
            case Decision.Wait:
                return await responder.AnswerAsync(query, transport, cancellationToken);
            default:
                return null;
        }
    }
}
