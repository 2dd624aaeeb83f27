using System.Net.Sockets;
using System.Text;

namespace Redirection.Tests;

public sealed class LoopbackHopTests
{
    private const int TcpLevel = 6;
    private const int TcpCongestion = 13;

    [Fact]
    public void Tune_AnySocket_NeverPaces()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        LoopbackHop.Tune(socket);

        Span<byte> name = stackalloc byte[16];
        var length = socket.GetRawSocketOption(TcpLevel, TcpCongestion, name);
        Assert.DoesNotContain("bbr", Encoding.ASCII.GetString(name[..length]), StringComparison.Ordinal);
    }
}
