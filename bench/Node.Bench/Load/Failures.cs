using System.Net.Sockets;

namespace Node.Bench.Load;

/// <summary>Counts the connections that failed. Safe for any number of threads.</summary>
internal sealed class Failures
{
    private long _count;
    private string? _first;

    public long Count => Interlocked.Read(ref _count);

    public string? First => Volatile.Read(ref _first);

    /// <summary>Whether this is a failure of a connection and not of this program.</summary>
    public static bool Concerns(Exception exception) => exception is SocketException or InvalidDataException;

    public void Add(Exception exception)
    {
        Interlocked.Increment(ref _count);
        Interlocked.CompareExchange(ref _first, exception.Message, null);
    }
}
