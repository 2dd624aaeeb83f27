using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hbone;
using Hbone.Http2;
using Hbone.Proxying;
using Hbone.Tls;
using Ztunnel.Identity;

namespace Node.Bench.Peers;

/// <summary>
/// A network gateway: copies the bytes of every CONNECT to one address, until it is killed. Made of our own tunnel, so that
/// it costs little beside the proxies.
/// </summary>
internal static class Gateway
{
    /// <summary>The argument that starts it; then port, directory of the CA, and where the copies go.</summary>
    public const string Command = "gateway";

    public static readonly SpiffeId Identity = new("cluster.local", "default", "gateway");

    private const int Backlog = 4_096;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        var (port, directory, target) =
            (int.Parse(arguments[0], CultureInfo.InvariantCulture), arguments[1], IPEndPoint.Parse(arguments[2]));
        using var authority = await LocalCertificateAuthority.OpenAsync(
            directory, TimeSpan.FromDays(1), TimeProvider.System, CancellationToken.None);
        var certificate = await authority.IssueAsync(Identity, CancellationToken.None);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen(Backlog);
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = ServeAsync(socket, certificate, target); // runs until the process is killed
        }
    }

    private static async Task ServeAsync(Socket socket, WorkloadCertificate certificate, IPEndPoint target)
    {
        try
        {
            var connection = await HboneEndpoint.AcceptAsync(
                socket,
                certificate,
                new HboneEndpointOptions(),
                request => _ = RelayAsync(request, target), // ends with its stream
                TimeProvider.System,
                CancellationToken.None);
            await connection.Completion;
        }
        catch (TlsException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
        }
    }

    private static async Task RelayAsync(ConnectRequest request, IPEndPoint target)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            request.Refuse(503);
            await Console.Error.WriteLineAsync(e.Message);
            return;
        }

        request.Accept();
        await TunnelCopy.RunAsync(request.Stream, socket, socketIsClient: false, NoCounters.Instance);
    }

    private sealed class NoCounters : ICopyCounters
    {
        public static NoCounters Instance { get; } = new();

        public void AddReceived(long bytes)
        {
            // Nobody asks a gateway.
        }

        public void AddSent(long bytes)
        {
            // Nobody asks a gateway.
        }
    }
}
