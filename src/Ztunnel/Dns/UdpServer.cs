using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Dns.Wire;
using Ztunnel.Proxy;

namespace Ztunnel.Dns;

/// <summary>
/// Answers the datagrams of one socket until the drain is over. What the mesh knows is answered in the loop; what has to
/// wait gets a task of its own.
/// </summary>
/// <param name="socket">Bound; closed by this object.</param>
/// <param name="responder">Decides.</param>
/// <param name="limits">How long to answer once the drain has started.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Log.</param>
/// <param name="active">Owner of the waiting queries.</param>
/// <param name="netns">Namespace of the socket, lent; null for the process's own.</param>
internal sealed class UdpServer(
    Socket socket,
    DnsResponder responder,
    DnsLimits limits,
    TimeProvider time,
    ILogger logger,
    ActiveConnections active,
    Netns? netns) : IDisposable
{
    // Queries have one question and a few options; a longer one is cut, and then malformed.
    private const int MaxQueryLength = 4_096;

    // More datagrams than a receive buffer of the kernel's default size holds.
    private const int MaxQueued = 4_096;

    private readonly byte[] _query = GC.AllocateUninitializedArray<byte>(MaxQueryLength);
    private readonly DnsReply _reply = new();
    private readonly SocketAddress _client = new(socket.AddressFamily);

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; } = (IPEndPoint)socket.LocalEndPoint!;

    /// <summary>Runs until the drain is over, then closes the socket. Nothing that it had received is lost.</summary>
    public async Task RunAsync(CancellationToken drained, CancellationToken forced)
    {
        logger.DatagramsServed(Address, DnsProxy.Component, "udp");
        using var stop = new CancellationTokenSource();
        var stopping = StopAfterMomentAsync(stop, drained, forced);
        try
        {
            await ReceiveAsync(forced, stop.Token);
            await AnswerRestAsync(forced);
        }
        catch (Exception e) when (
            e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the drain: whoever still waits asks our successor.
        }
        finally
        {
            await stopping;
            Dispose();
        }

        logger.DatagramsDrained(DnsProxy.Component, "udp");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        socket.ReleasePort();
        _reply.Dispose();
    }

    private async Task StopAfterMomentAsync(
        CancellationTokenSource stop, CancellationToken drained, CancellationToken forced)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (drained.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), started))
        await using (forced.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), started))
        {
            await started.Task;
        }

        try
        {
            // A successor beside us is asked from here on, so that our queue is empty when we leave.
            DatagramPortGroup.TrySteerToNewest(socket, netns);
            await Task.Delay(limits.DrainMoment, time, forced);
            await active.WhenAllClosedAsync().WaitAsync(forced);
        }
        catch (OperationCanceledException) when (forced.IsCancellationRequested)
        {
            // No more waiting.
        }
        catch (ObjectDisposedException)
        {
            // Whoever stops a pod without a drain also closes its sockets.
        }

        await stop.CancelAsync();
    }

    private async Task ReceiveAsync(CancellationToken forced, CancellationToken stop)
    {
        var delay = new ListenerDelay();
        try
        {
            while (true)
            {
                try
                {
                    var length = await socket.ReceiveFromAsync(_query, SocketFlags.None, _client, stop);
                    await ServeAsync(length, forced);
                    delay.Reset();
                }
                catch (SocketException e) when (!forced.IsCancellationRequested)
                {
                    if (delay.IsFirst)
                    {
                        logger.ReceiveFailed(Address, OsError.Describe(e));
                    }

                    await Task.Delay(delay.Next(), time, stop);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The one normal way out.
        }
    }

    /// <summary>What the kernel had queued for us when we stopped to listen; its queue is no longer than the bound.</summary>
    private async Task AnswerRestAsync(CancellationToken forced)
    {
        for (var i = 0; i < MaxQueued && !forced.IsCancellationRequested && socket.Available > 0; i++)
        {
            await ServeAsync(await socket.ReceiveFromAsync(_query, SocketFlags.None, _client, forced), forced);
        }

        await active.WhenAllClosedAsync();
    }

    private async ValueTask ServeAsync(int length, CancellationToken forced)
    {
        switch (Decide(_query.AsSpan(0, length)))
        {
            case Decision.Answer:
                await SendAsync(_reply, _client, forced);
                break;
            case Decision.Wait:
                var query = _query.AsSpan(0, length).ToArray();
                var client = new SocketAddress(_client.Family, _client.Size);
                _client.Buffer.Span[.._client.Size].CopyTo(client.Buffer.Span);
                active.Run(() => AnswerLaterAsync(query, client, forced));
                break;
        }
    }

    // No query may end the service of the pod. What gets here is a bug of ours, which costs its own answer only.
#pragma warning disable CA1031
    private Decision Decide(ReadOnlySpan<byte> query)
    {
        try
        {
            return responder.Decide(query, DnsTransport.Udp, _reply);
        }
        catch (Exception e)
        {
            logger.QueryFailedUnexpectedly(e);
            return Decision.Ignore;
        }
    }
#pragma warning restore CA1031

    private async Task AnswerLaterAsync(byte[] query, SocketAddress client, CancellationToken forced)
    {
        using var reply = await responder.AnswerAsync(query, DnsTransport.Udp, forced);
        if (reply is not null)
        {
            await SendAsync(reply, client, forced);
        }
    }

    private async ValueTask SendAsync(DnsReply reply, SocketAddress client, CancellationToken forced)
    {
        try
        {
            await socket.SendToAsync(reply.Memory, SocketFlags.None, client, forced);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            if (logger.IsEnabled(LogLevel.Debug))
            {
                logger.AnswerNotSent(client.ToString(), OsError.Describe(e)); // the client has gone, or asks again
            }
        }
    }
}
