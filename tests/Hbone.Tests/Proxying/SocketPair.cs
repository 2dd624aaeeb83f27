using System.Net;
using System.Net.Sockets;

namespace Hbone.Tests.Proxying;

/// <summary>Two ends of one TCP connection on loopback: the proxy's and the application's.</summary>
internal sealed class SocketPair : IDisposable
{
    private SocketPair(Socket proxy, Socket application) => (Proxy, Application) = (proxy, application);

    public Socket Proxy { get; }

    public Socket Application { get; }

    public static async Task<SocketPair> ConnectAsync(CancellationToken cancellationToken)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var application = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await application.ConnectAsync(listener.LocalEndPoint!, cancellationToken);
        return new SocketPair(await listener.AcceptAsync(cancellationToken), application);
    }

    /// <summary>The application ends its connection with RST.</summary>
    public void Reset()
    {
        Application.LingerState = new LingerOption(enable: true, seconds: 0);
        Application.Dispose();
    }

    public void Dispose()
    {
        Proxy.Dispose();
        Application.Dispose();
    }
}
