using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Redirection;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns;

/// <summary>Asks over TCP, a connection for each query. RFC 1035 §4.2.2, RFC 7766.</summary>
/// <param name="connector">Makes connections in the right namespace.</param>
/// <param name="options">Their mark, keepalive and time limit.</param>
internal sealed class TcpTransport(UpstreamConnector connector, UpstreamSocketOptions options) : IUpstreamTransport
{
    private const int PrefixLength = 2;

    /// <inheritdoc/>
    public async Task<UpstreamResult> AskAsync(
        IPEndPoint server, UpstreamQuery query, CancellationToken cancellationToken)
    {
        var reply = new DnsReply();
        var isGiven = false;
        try
        {
            var socket = await connector.ConnectAsync(server, sourceToPreserve: null, options, cancellationToken);
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var request = new byte[PrefixLength + query.Octets.Length];
            BinaryPrimitives.WriteUInt16BigEndian(request, (ushort)query.Octets.Length);
            query.Octets.CopyTo(request.AsMemory(PrefixLength));
            await stream.WriteAsync(request, cancellationToken);

            var prefix = new byte[PrefixLength];
            await stream.ReadExactlyAsync(prefix, cancellationToken);
            _ = reply.Begin(BinaryPrimitives.ReadUInt16BigEndian(prefix));
            await stream.ReadExactlyAsync(reply.Memory, cancellationToken);
            isGiven = query.IsAnsweredBy(reply.Span) && DnsMessage.TryRead(reply.Span, out _);
            return isGiven ? new UpstreamResult(reply, null) : UpstreamResult.Failed($"{server}: malformed answer");
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return UpstreamResult.Failed($"{server}: no answer in time");
        }
        catch (Exception e) when (e is SocketException or IOException or TimeoutException or ObjectDisposedException)
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
}
