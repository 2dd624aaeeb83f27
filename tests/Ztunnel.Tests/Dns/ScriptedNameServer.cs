using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Tests.Dns;

/// <summary>A name server on loopback that says what the test tells it to, over UDP and TCP on one port.</summary>
internal sealed class ScriptedNameServer : IAsyncDisposable
{
    private readonly Func<byte[], IEnumerable<byte[]>> _answers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _udp = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Socket _tcp = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Task _serving;

    /// <param name="answers">What is sent for a query, in this order; nothing is silence.</param>
    public ScriptedNameServer(Func<byte[], IEnumerable<byte[]>> answers)
    {
        _answers = answers;
        _udp.Bind(new IPEndPoint(OwnLoopback.Next(), 0));
        Address = (IPEndPoint)_udp.LocalEndPoint!;
        _tcp.Bind(Address);
        _tcp.Listen();
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    public IPEndPoint Address { get; }

    public ConcurrentQueue<byte[]> Queries { get; } = [];

    /// <summary>The usual server: one A record for everything.</summary>
    public static ScriptedNameServer Of(string address) => new(query => [Messages.Answer(query, address: address)]);

    /// <summary>A server that answers everything with that code.</summary>
    public static ScriptedNameServer Failing(int code) =>
        new(query => [Messages.Answer(query, flags: (ushort)(0x8180 | code))]);

    public static ScriptedNameServer Silent() => new(_ => []);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _udp.Dispose();
        _tcp.Dispose();
        _stop.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[65_536];
        try
        {
            while (true)
            {
                var received = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                var query = buffer[..received.ReceivedBytes];
                Queries.Enqueue(query);
                foreach (var answer in _answers(query))
                {
                    await _udp.SendToAsync(answer, received.RemoteEndPoint, _stop.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeTcpAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(ServeAsync(await _tcp.AcceptAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var prefix = new byte[2];
            await stream.ReadExactlyAsync(prefix, _stop.Token);
            var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
            await stream.ReadExactlyAsync(query, _stop.Token);
            Queries.Enqueue(query);
            foreach (var answer in _answers(query))
            {
                await stream.WriteAsync((byte[])[.. Messages.Words((ushort)answer.Length), .. answer], _stop.Token);
            }

            _ = await stream.ReadAsync(prefix, _stop.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
        }
    }
}
