using System.Net;

namespace Ztunnel.Tests.Dns;

/// <summary>
/// Loopback addresses of our own, one for each server: the same port is wanted for UDP and TCP, and on 127.0.0.1 the other
/// one of the two is often somebody's.
/// </summary>
internal static class OwnLoopback
{
    private static int _count;

    public static IPAddress Next()
    {
        var number = Interlocked.Increment(ref _count);
        var process = Environment.ProcessId;
        return new IPAddress([127, (byte)(64 + (process % 64)), (byte)(process / 64), (byte)(1 + (number % 250))]);
    }
}
