using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>
/// Asks over UDP: a socket for each query and server, so that its port is another secret, connected, so that only that
/// server can answer. Lost datagrams are sent again.
/// </summary>
/// <param name="netns">Where the sockets live; null for the process's own namespace.</param>
/// <param name="mark"><c>SO_MARK</c>; null for none.</param>
/// <param name="firstWait">Time until a query is sent again; doubles each time.</param>
/// <param name="time">Clock.</param>
internal sealed class UdpTransport(Netns? netns, uint? mark, TimeSpan firstWait, TimeProvider time) : IUpstreamTransport
{
    /// <inheritdoc/>
    public async Task<UpstreamResult> AskAsync(
        IPEndPoint server, UpstreamQuery query, CancellationToken cancellationToken)
    {
        var reply = new DnsReply();
        var isGiven = false;
        try
        {
            using var socket = DatagramSocket.Connect(server, mark, netns);
            for (var wait = firstWait; ; wait *= 2)
            {
                await socket.SendAsync(query.Octets, cancellationToken);
                if (await TryReceiveAsync(socket, query, reply, wait, cancellationToken))
                {
                    isGiven = reply.Length > query.Limit || DnsMessage.TryRead(reply.Span, out _);
                    return isGiven ? new UpstreamResult(reply, null) : UpstreamResult.Failed($"{server}: malformed answer");
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return UpstreamResult.Failed($"{server}: no answer in time");
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            return UpstreamResult.Failed($"{server}: {OsError.Describe(e)}");
        }
        finally
        {
            if (!isGiven)
            {
                reply.Dispose();
            }
        }
    }

    // One octet more than the client can take tells an answer that is too long.
    private async Task<bool> TryReceiveAsync(
        Socket socket, UpstreamQuery query, DnsReply reply, TimeSpan wait, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(wait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            while (true)
            {
                _ = reply.Begin(query.Limit + 1);
                reply.CutTo(await socket.ReceiveAsync(reply.Memory, either.Token));
                if (query.IsAnsweredBy(reply.Span))
                {
                    return true;
                }
            }
        }
        catch (OperationCanceledException)
            when (timer.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
