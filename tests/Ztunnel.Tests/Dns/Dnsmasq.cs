using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Demo;

namespace Ztunnel.Tests.Dns;

/// <summary>dnsmasq on a loopback port, with nothing behind it.</summary>
internal sealed class Dnsmasq : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private Dnsmasq(ChildProcess process, IPEndPoint address) => (_process, Address) = (process, address);

    public IPEndPoint Address { get; }

    public static async Task<Dnsmasq> StartAsync(string record, CancellationToken cancellationToken)
    {
        var address = FreeAddress();
        var process = await ChildProcess.StartAsync(new ProcessSpec(
            "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces",
            $"--listen-address={address.Address}", string.Create(CultureInfo.InvariantCulture, $"--port={address.Port}"),
            "--pid-file=", "--user=root", "--log-facility=-", "--local=/example.com/", record));
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(DnsFixture.Limit);
            var isReady = await process.Error.FirstAsync(
                line => line.Contains("started", StringComparison.Ordinal), since: 0, limit.Token) is not null;
            Assert.True(isReady, $"dnsmasq has ended: {process.Error}");
            return new Dnsmasq(process, address);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static IPEndPoint FreeAddress()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(OwnLoopback.Next(), 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
