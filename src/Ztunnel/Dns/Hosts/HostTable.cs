using System.Net;
using Microsoft.Extensions.Logging;
using Redirection;
using Ztunnel.Config;
using Ztunnel.Proxy;

namespace Ztunnel.Dns.Hosts;

/// <summary>
/// Addresses of hostnames for the whole process, from the proxy's own name servers and in its own namespace. Who asks for a
/// name that is being looked up waits for that; an answer is kept as long as it says. Any thread may call any member.
/// </summary>
/// <param name="ask">Looks a name up; never throws.</param>
/// <param name="limits">What is kept, and how much is asked at once.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Told why names have no address.</param>
internal sealed class HostTable(
    Func<string, CancellationToken, Task<HostAnswer>> ask,
    HostLimits limits,
    TimeProvider time,
    ILogger<HostTable> logger) : IAsyncDisposable
{
    private const int LongestName = 253;
    private const int LongestLabel = 63;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (HostAnswer Answer, DateTimeOffset Until)> _kept = [];
    private readonly Dictionary<string, Task<HostAnswer>> _asked = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>The table of a proxy with these options. <c>/etc/resolv.conf</c> says whom it asks.</summary>
    public static HostTable For(ProxyOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        var (limits, dns) = (new HostLimits(), new DnsLimits());

        // Around a dedicated proxy the pod's DNS is redirected to itself; a node's is not, and needs no mark.
        var mark = options.Mode == ProxyMode.Dedicated ? options.PacketMark : null;
        var queries = new HostQueries(
            new NameServers(() => ResolverFile.Read(ResolverFile.DefaultPath), dns, time),
            new UdpTransport(netns: null, mark, dns.Failover, time),
            new TcpTransport(new UpstreamConnector(), UpstreamSockets.For(options) with { Mark = mark }),
            options.Ipv6Enabled,
            limits,
            time);
        return new HostTable(queries.AskAsync, limits, time, loggers.CreateLogger<HostTable>());
    }

    /// <summary>What is known of a hostname, after a look-up if need be. Looking up goes on when the caller gives up.</summary>
    /// <exception cref="OperationCanceledException">The token fired.</exception>
    public ValueTask<HostAnswer> FindAsync(string hostname, CancellationToken cancellationToken)
    {
        if (!TryNormalize(hostname, out var name))
        {
            return ValueTask.FromResult(HostAnswer.Failed("it is no hostname"));
        }

        Task<HostAnswer>? asked;
        lock (_lock)
        {
            if (_kept.TryGetValue(name, out var kept) && time.GetUtcNow() < kept.Until)
            {
                return ValueTask.FromResult(kept.Answer);
            }

            if (!_asked.TryGetValue(name, out asked))
            {
                if (_asked.Count >= limits.Lookups || _stop.IsCancellationRequested)
                {
                    return ValueTask.FromResult(HostAnswer.Failed("too many names are being looked up"));
                }

                asked = Task.Run(() => LookUpAsync(name), CancellationToken.None);
                _asked.Add(name, asked);
            }
        }

        return new ValueTask<HostAnswer>(asked.WaitAsync(cancellationToken));
    }

    /// <summary>Ends what is being looked up.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        Task[] asked;
        lock (_lock)
        {
            asked = [.. _asked.Values];
        }

        await Task.WhenAll(asked);
        _stop.Dispose();
    }

    private async Task<HostAnswer> LookUpAsync(string name)
    {
        var answer = HostAnswer.Failed("");
        try
        {
            answer = await ask(name, _stop.Token);
            if (answer.Addresses.IsEmpty && !_stop.IsCancellationRequested)
            {
                logger.HostWithoutAddress(name, answer.Failure ?? "it has none");
            }

            return answer;
        }
        finally
        {
            Keep(name, answer);
        }
    }

    private void Keep(string name, HostAnswer answer)
    {
        lock (_lock)
        {
            _asked.Remove(name);
            if (answer.Lifetime > TimeSpan.Zero)
            {
                MakeRoomFor(name);
                _kept[name] = (answer, time.GetUtcNow() + answer.Lifetime);
            }
            else
            {
                _kept.Remove(name);
            }
        }
    }

    private void MakeRoomFor(string name)
    {
        if (_kept.Count < limits.Kept || _kept.ContainsKey(name))
        {
            return;
        }

        var now = time.GetUtcNow();
        foreach (var (old, (_, until)) in _kept)
        {
            if (until <= now)
            {
                _kept.Remove(old);
            }
        }

        if (_kept.Count >= limits.Kept)
        {
            _kept.Remove(_kept.MinBy(static kept => kept.Value.Until).Key);
        }
    }

    private static bool TryNormalize(string hostname, out string name)
    {
        name = hostname.TrimEnd('.').ToLowerInvariant();
        if (name.Length is 0 or > LongestName || name.AsSpan().ContainsAnyExceptInRange('!', '~') || IPAddress.TryParse(name, out _))
        {
            return false;
        }

        foreach (var label in name.AsSpan().Split('.'))
        {
            var (_, length) = label.GetOffsetAndLength(name.Length);
            if (length is 0 or > LongestLabel)
            {
                return false;
            }
        }

        return true;
    }
}
