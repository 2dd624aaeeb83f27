using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Node.Bench.Load;

/// <summary>The application in the destination pod: sends back what it receives, until it is killed.</summary>
internal static class EchoServer
{
    /// <summary>The argument that starts it.</summary>
    public const string Command = "echo-server";

    private const int Backlog = 4_096;

    public static async Task<int> RunAsync(string port)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, int.Parse(port, CultureInfo.InvariantCulture)));
        listener.Listen(Backlog);
        while (true)
        {
            new EchoConnection(await listener.AcceptAsync()).Run();
        }
    }
}
