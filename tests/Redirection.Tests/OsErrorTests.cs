using System.ComponentModel;
using System.Net;
using System.Net.Sockets;

namespace Redirection.Tests;

public sealed class OsErrorTests
{
    [Theory]
    [InlineData(SocketError.ConnectionRefused, "Connection refused (os error 111)")]
    [InlineData(SocketError.HostUnreachable, "No route to host (os error 113)")]
    [InlineData(SocketError.NetworkUnreachable, "Network is unreachable (os error 101)")]
    [InlineData(SocketError.TimedOut, "Connection timed out (os error 110)")]
    [InlineData(SocketError.ConnectionReset, "Connection reset by peer (os error 104)")]
    [InlineData(SocketError.Shutdown, "Broken pipe (os error 32)")]
    [InlineData(SocketError.AddressAlreadyInUse, "Address already in use (os error 98)")]
    [InlineData(SocketError.AccessDenied, "Permission denied (os error 13)")]
    [InlineData(SocketError.AddressNotAvailable, "Cannot assign requested address (os error 99)")]
    [InlineData(SocketError.TooManyOpenSockets, "Too many open files (os error 24)")]
    public void Describe_SocketException_IsTheSystemsTextAndNumber(SocketError code, string expected)
    {
        var exception = new SocketException((int)code);

        Assert.Equal(expected, OsError.Describe(exception));
    }

    [Fact]
    public async Task Describe_RefusedConnection_SaysSo()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var unused = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound but not listening: nobody else gets the port

        var exception = await Assert.ThrowsAsync<SocketException>(
            () => socket.ConnectAsync(unused.LocalEndPoint!, TestContext.Current.CancellationToken).AsTask());

        Assert.Equal("Connection refused (os error 111)", OsError.Describe(exception));
    }

    [Fact]
    public async Task Describe_StreamOverAResetSocket_FindsTheCauseInside()
    {
        var token = TestContext.Current.CancellationToken;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint!, token);
        await using var stream = new NetworkStream(client);
        using (var accepted = await listener.AcceptAsync(token))
        {
            accepted.LingerState = new LingerOption(true, 0); // closing sends RST
        }

        var exception = await Assert.ThrowsAsync<IOException>(() => stream.ReadAsync(new byte[1], token).AsTask());

        Assert.Equal("Connection reset by peer (os error 104)", OsError.Describe(exception));
    }

    [Fact]
    public void Describe_MissingFile_IsTheSystemsTextAndNumber()
    {
        var exception = Assert.Throws<IOException>(() => Netns.Open("/nonexistent"));

        Assert.Equal("No such file or directory (os error 2)", OsError.Describe(exception));
        Assert.Equal(
            "cannot open network namespace /nonexistent: No such file or directory (os error 2)", exception.Message);
    }

    [Fact]
    public void Describe_SystemException_IsTheSystemsTextAndNumber() =>
        Assert.Equal("Operation not permitted (os error 1)", OsError.Describe(new Win32Exception(1)));

    [Fact]
    public void Describe_NoSystemInvolved_IsTheMessage()
    {
        Assert.Equal("deadline has elapsed", OsError.Describe(new TimeoutException("deadline has elapsed")));
        Assert.Equal("made up", OsError.Describe(new IOException("made up")));
    }
}
