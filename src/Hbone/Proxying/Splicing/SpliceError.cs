using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Hbone.Proxying.Splicing;

/// <summary>errno of splice(2) on a socket, as the exception that a send or receive would have thrown.</summary>
internal static class SpliceError
{
    /// <summary>Whether the system refuses splice itself: not this kind of descriptor, or not this process.</summary>
    public static bool IsRefusal(int error) =>
        error is Native.InvalidArgument or Native.NoSuchCall or Native.NotPermitted;

    /// <summary>What tcp(7) and ip(7) say a connection may end with; anything else keeps its number.</summary>
    public static Exception ToException(int error) => error switch
    {
        32 => Of(SocketError.Shutdown), // EPIPE
        100 => Of(SocketError.NetworkDown),
        101 => Of(SocketError.NetworkUnreachable),
        103 => Of(SocketError.ConnectionAborted),
        104 => Of(SocketError.ConnectionReset),
        105 => Of(SocketError.NoBufferSpaceAvailable),
        107 => Of(SocketError.NotConnected),
        110 => Of(SocketError.TimedOut),
        111 => Of(SocketError.ConnectionRefused),
        112 => Of(SocketError.HostDown),
        113 => Of(SocketError.HostUnreachable),
        _ => new IOException($"splice: {Marshal.GetPInvokeErrorMessage(error)}", error),
    };

    private static SocketException Of(SocketError error) => new((int)error);
}
