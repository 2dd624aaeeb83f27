using System.Net.Sockets;

namespace Redirection.Tests.Support;

/// <summary>Reads socket options back from the kernel.</summary>
internal static class OptionReading
{
    public static int Read(this Socket socket, int level, int name)
    {
        Assert.True(RawSocketOptions.TryGet(socket, level, name, out var value, out var error), error.ToString());
        return value;
    }

    public static int ReadMark(this Socket socket) => socket.Read(RawSocketOptions.SolSocket, RawSocketOptions.SoMark);

    public static int ReadReusePort(this Socket socket) =>
        socket.Read(RawSocketOptions.SolSocket, RawSocketOptions.SoReusePort);
}
