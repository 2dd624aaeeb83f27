namespace Ztunnel.Dns.Hosts;

/// <summary>
/// The name servers of the proxy itself. Their configuration is read anew when it is old, and what is known about which
/// server answers is kept as long as it says the same. Any thread may call any member.
/// </summary>
/// <param name="read">Reads the configuration.</param>
/// <param name="limits">When to go on to the next server.</param>
/// <param name="time">Clock.</param>
internal sealed class NameServers(Func<ResolverFile> read, DnsLimits limits, TimeProvider time)
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private (ResolverFile File, Forwarder Forwarder)? _current;
    private long _readAt;

    /// <summary>Who asks them.</summary>
    /// <exception cref="IOException">The configuration cannot be read, and never could; the message names it.</exception>
    public Forwarder Forwarder
    {
        get
        {
            lock (_lock)
            {
                if (_current is not { } current || time.GetElapsedTime(_readAt) >= Age)
                {
                    current = Read();
                    _current = current;
                    _readAt = time.GetTimestamp();
                }

                return current.Forwarder;
            }
        }
    }

    private (ResolverFile File, Forwarder Forwarder) Read()
    {
        ResolverFile file;
        try
        {
            file = read();
        }
        catch (IOException) when (_current is not null)
        {
            return _current.Value; // what it said last is better than nothing
        }

        return _current is { } old
            && old.File.Servers.AsSpan().SequenceEqual(file.Servers.AsSpan())
            && old.File.Limit == file.Limit
            ? old
            : (file, new Forwarder(file, limits, time));
    }
}
