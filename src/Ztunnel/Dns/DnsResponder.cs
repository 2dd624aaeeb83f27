using Ztunnel.Dns.Wire;
using Ztunnel.Mesh;

namespace Ztunnel.Dns;

/// <summary>Decides on the queries of one pod. Any thread may call any member.</summary>
/// <param name="pod">The pod.</param>
/// <param name="services">What all pods share.</param>
/// <param name="names">Names of the mesh.</param>
/// <param name="forwarder">Who knows all others.</param>
/// <param name="udp">How it is asked what came over UDP.</param>
/// <param name="tcp">The same for TCP.</param>
internal sealed class DnsResponder(
    WorkloadInfo pod,
    DnsServices services,
    MeshNames names,
    Forwarder forwarder,
    IUpstreamTransport udp,
    IUpstreamTransport tcp)
{
    private const string Success = "success";
    private const string NoRecords = "no records";
    private const string TypeNotServed = "service does not support this record type";

    private readonly DnsQueryLog _log = new(services.Loggers);

    // Queries that wait; changed by interlocked operations only.
    private int _pending;

    /// <summary>Decides at once where that is possible, without waiting for anything.</summary>
    /// <param name="octets">The message.</param>
    /// <param name="transport">How it came.</param>
    /// <param name="reply">Filled when the decision is to answer.</param>
    /// <returns>After <see cref="Decision.Wait"/> the caller has to call <see cref="AnswerAsync"/>, once.</returns>
    public Decision Decide(ReadOnlySpan<byte> octets, DnsTransport transport, DnsReply reply)
    {
        if (!DnsHeader.TryRead(octets, out var header) || header.IsResponse)
        {
            return Decision.Ignore;
        }

        var isReadable = DnsMessage.TryRead(octets, out var query);
        query = isReadable ? query : DnsMessage.OfHeader(header);
        var client = services.Mesh.Current.FindLocalWorkload(pod);
        CountersFor(client, query, transport).Requested();
        if (FaultOf(query, isReadable) is { } fault)
        {
            ReplyWriter.WriteCode(reply, octets, query, fault);
            return Decision.Answer;
        }

        if (client is not null && TryAnswerLocally(client, octets, query, transport, reply))
        {
            return Decision.Answer;
        }

        if (Interlocked.Increment(ref _pending) <= services.Limits.PendingQueries)
        {
            return Decision.Wait;
        }

        Interlocked.Decrement(ref _pending);
        ReplyWriter.WriteCode(reply, octets, query, DnsCode.ServerFailure);
        return Decision.Answer;
    }

    /// <summary>Answers a query that has to wait. Null when the token fired: there is no answer then.</summary>
    /// <param name="octets">The query; lent until the task completes.</param>
    /// <param name="transport">How it came.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Given to the caller.</returns>
    public async Task<DnsReply?> AnswerAsync(
        ReadOnlyMemory<byte> octets, DnsTransport transport, CancellationToken cancellationToken)
    {
        try
        {
            var client = await services.Mesh.WaitForLocalWorkloadAsync(pod, services.Limits.Workload, cancellationToken);
            _ = DnsMessage.TryRead(octets.Span, out var query);
            if (client is null)
            {
                return OfCode(octets.Span, query, DnsCode.ServerFailure);
            }

            var reply = new DnsReply();
            if (TryAnswerLocally(client, octets.Span, query, transport, reply))
            {
                return reply;
            }

            return await ForwardAsync(client, octets, query, transport, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Interlocked.Decrement(ref _pending);
        }
    }

    /// <summary>What keeps a message from being asked at all.</summary>
    private static DnsCode? FaultOf(in DnsMessage query, bool isReadable) => query.Header switch
    {
        { Opcode: not (DnsOpcode.Query or DnsOpcode.Notify or DnsOpcode.Update) } => DnsCode.NotImplemented,
        _ when !isReadable => DnsCode.FormatError,
        { Opcode: not DnsOpcode.Query } => null,
        { Questions: not 1 } => DnsCode.ServerFailure,
        _ when query.Edns is { Version: > 0 } => DnsCode.BadVersion,

        // Transfers of zones are many messages long, and between name servers.
        _ when query.Type is DnsType.Axfr or DnsType.Ixfr => DnsCode.NotImplemented,
        _ => null,
    };

    private static int LimitOf(in DnsMessage query, DnsTransport transport) => transport == DnsTransport.Tcp
        ? DnsMessage.MaxLength
        : Math.Max(Edns.SmallestPayload, (int)(query.Edns?.PayloadSize ?? 0));

    private static DnsReply OfCode(ReadOnlySpan<byte> octets, in DnsMessage query, DnsCode code)
    {
        var reply = new DnsReply();
        ReplyWriter.WriteCode(reply, octets, query, code);
        return reply;
    }

    private bool TryAnswerLocally(
        Workload client, ReadOnlySpan<byte> octets, in DnsMessage query, DnsTransport transport, DnsReply reply)
    {
        if (query is not { Header.Opcode: DnsOpcode.Query, Class: DnsType.Internet }
            || DnsName.ToHostname(query.NameIn(octets)) is not { } name)
        {
            return false;
        }

        var limit = LimitOf(query, transport);
        if (query.Type is DnsType.A or DnsType.Aaaa
            && names.Find(services.Mesh.Current, client, name, query.Type) is { } found)
        {
            var answer = new AddressAnswer(name, found.Alias, found.Addresses);
            ReplyWriter.Write(reply, octets, query, DnsCode.NoError, isAuthoritative: true, answer, limit);
            var result = found switch
            {
                { IsTypeServed: false } => TypeNotServed,
                { Addresses: [] } => NoRecords,
                _ => Success,
            };
            Log(client, octets, query, result, found.Addresses.Length);
            return true;
        }

        if (SpecialNames.TryAnswer(name, query.Type, services.Options.Ipv6Enabled, out var code, out var addresses))
        {
            var answer = new AddressAnswer(name, null, addresses);
            ReplyWriter.Write(reply, octets, query, code, isAuthoritative: false, answer, limit);
            Log(client, octets, query, addresses is [] ? NoRecords : Success, addresses.Length);
            return true;
        }

        return false;
    }

    private async Task<DnsReply?> ForwardAsync(
        Workload client,
        ReadOnlyMemory<byte> octets,
        DnsMessage query,
        DnsTransport transport,
        CancellationToken cancellationToken)
    {
        var limit = LimitOf(query, transport);
        var started = services.Time.GetTimestamp();
        var result = await forwarder.AskAsync(
            new UpstreamQuery(octets.Span, query, limit), transport == DnsTransport.Udp ? udp : tcp, cancellationToken);
        CountersFor(client, query, transport).Forwarded(
            services.Time.GetElapsedTime(started), result.Code != DnsCode.NoError);
        if (result.Reply is not { } reply)
        {
            Log(client, octets.Span, query, $"forwarding failed ({result.Failure})", endpoints: 0);
            return cancellationToken.IsCancellationRequested
                ? null
                : OfCode(octets.Span, query, DnsCode.ServerFailure);
        }

        Log(client, octets.Span, query, "forwarded", endpoints: 0);
        ReplyWriter.Adopt(reply, octets.Span, query, limit);
        return reply;
    }

    private DnsCounters CountersFor(Workload? client, in DnsMessage query, DnsTransport transport) =>
        services.Metrics.CountersFor(new DnsLabels(
            DnsType.ToLabel(query.Type), transport, client?.CanonicalName ?? "", client?.CanonicalRevision ?? ""));

    private void Log(Workload client, ReadOnlySpan<byte> octets, in DnsMessage query, string result, int endpoints)
    {
        if (_log.IsEnabled)
        {
            _log.Write(client, octets, query, result, endpoints);
        }
    }
}
