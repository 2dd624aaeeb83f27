using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Demo;

/// <summary>
/// The cluster's name server, which proxies forward to: it knows the IPv4 addresses of some names and says of every other that it
/// does not exist. UDP only, which is enough for answers of one address.
/// </summary>
internal sealed class NameServer : IAsyncDisposable
{
    /// <summary>Where name servers listen.</summary>
    public const int Port = 53;

    private const int MaxQueryLength = 4_096;
    private const int LeastLimit = 512; // RFC 1035 §4.2.1

    private readonly Socket _socket;
    private readonly ConcurrentDictionary<string, IPAddress> _names = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _answered;

    private NameServer(Socket socket)
    {
        _socket = socket;
        _running = RunAsync();
    }

    /// <summary>Queries that it has answered.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Listens at the IPv4 address of a pod.</summary>
    /// <exception cref="CommandException">The port is taken.</exception>
    public static NameServer Start(Pod pod)
    {
        using var netns = pod.OpenNetns();
        var socket = netns.CreateUdpSocket(AddressFamily.InterNetwork);
        try
        {
            socket.Bind(new IPEndPoint(pod.IPv4, Port));
            return new NameServer(socket);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CommandException($"no name server in {pod.Name}: {e.Message}", e);
        }
    }

    /// <summary>Has it know a name.</summary>
    /// <param name="name">Lower case, without a final dot.</param>
    /// <param name="address">An IPv4 address.</param>
    public void Add(string name, IPAddress address) => _names[name] = address;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var query = new byte[MaxQueryLength];
        using var reply = new DnsReply();
        var anybody = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveFromAsync(query, SocketFlags.None, anybody, _stop.Token);
                if (TryAnswer(query.AsSpan(0, received.ReceivedBytes), reply))
                {
                    Interlocked.Increment(ref _answered);
                    await _socket.SendToAsync(reply.Memory, SocketFlags.None, received.RemoteEndPoint, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The one normal way out.
        }
        catch (SocketException) when (_stop.IsCancellationRequested)
        {
            // So is this.
        }
    }

    private bool TryAnswer(ReadOnlySpan<byte> octets, DnsReply reply)
    {
        if (!DnsMessage.TryRead(octets, out var query) || query.Header.IsResponse || query.NameLength == 0)
        {
            return false;
        }

        if (DnsName.ToHostname(query.NameIn(octets)) is not { } name || !_names.TryGetValue(name, out var address))
        {
            ReplyWriter.WriteCode(reply, octets, query, DnsCode.NameError);
            return true;
        }

        IPAddress[] addresses = query.Type == DnsType.A ? [address] : [];
        ReplyWriter.Write(
            reply, octets, query, DnsCode.NoError, isAuthoritative: true, new AddressAnswer(name, Alias: null, addresses), LeastLimit);
        return true;
    }
}
