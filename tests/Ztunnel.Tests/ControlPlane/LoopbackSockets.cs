using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Tests.ControlPlane;

/// <summary>Both ends of a new TCP connection on loopback.</summary>
internal static class LoopbackSockets
{
    public static async Task<(Socket Client, Socket Server)> ConnectAsync(CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        return (client, await listener.AcceptAsync(cancellationToken));
    }
}
