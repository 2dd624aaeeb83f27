using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ztunnel.Demo;

namespace Node.Tests.Socks;

/// <summary>A client that says octets of its own choice to port 15080 of a pod.</summary>
internal sealed class SocksConnection(Socket socket) : IDisposable
{
    public static readonly byte[] Greeting = [5, 1, 0];

    public Socket Socket { get; } = socket;

    public static async Task<SocksConnection> OpenAsync(Pod pod, CancellationToken cancellationToken) =>
        new(await pod.ConnectAsync(IPAddress.Loopback, 15080, cancellationToken));

    public static byte[] RequestFor(IPAddress address, int port)
    {
        var type = (byte)(address.AddressFamily == AddressFamily.InterNetwork ? 1 : 4);
        return [5, 1, 0, type, .. address.GetAddressBytes(), .. Octets(port)];
    }

    public static byte[] RequestFor(string name, int port) =>
        [5, 1, 0, 3, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), .. Octets(port)];

    /// <summary>Says a greeting and a request, and returns the code of the reply.</summary>
    public async Task<int> AskAsync(byte[] request, CancellationToken cancellationToken)
    {
        await Socket.SendAsync(Greeting, cancellationToken);
        Assert.Equal([5, 0], await ReadAsync(2, cancellationToken));
        await Socket.SendAsync(request, cancellationToken);
        return await ReadReplyAsync(cancellationToken);
    }

    public async Task<int> ReadReplyAsync(CancellationToken cancellationToken)
    {
        var reply = await ReadAsync(10, cancellationToken);
        Assert.Equal([5, reply[1], 0, 1, 0, 0, 0, 0, 0, 0], reply);
        return reply[1];
    }

    /// <summary>So many octets, or fewer when the proxy ends before.</summary>
    public async Task<byte[]> ReadAsync(int length, CancellationToken cancellationToken)
    {
        var buffer = new byte[length];
        var received = 0;
        while (received < length
            && await Socket.ReceiveAsync(buffer.AsMemory(received), cancellationToken) is > 0 and var count)
        {
            received += count;
        }

        return buffer[..received];
    }

    public void Dispose() => Socket.Dispose();

    private static byte[] Octets(int port)
    {
        var octets = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(octets, (ushort)port);
        return octets;
    }
}
