using System.Threading.Channels;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>
/// Names that connections need and that were not subscribed before, in on-demand mode. Any thread may ask; one stream at
/// a time answers. istiod answers a name once per stream and announces nothing that it did not know then, so an old "no
/// such name" is only good until the next stream, which can be asked for.
/// </summary>
/// <remarks>
/// A single name is never unsubscribed: istiod answers that by removing every name (measured, control-plane 12).
/// </remarks>
internal sealed class Demands(TimeProvider time, TimeSpan timeout)
{
    /// <summary>How long "no such name" is believed without asking again.</summary>
    public static readonly TimeSpan UnknownLifetime = TimeSpan.FromSeconds(5);

    /// <summary>Least time between two streams that are opened just to ask again.</summary>
    public static readonly TimeSpan RenewalInterval = TimeSpan.FromSeconds(30);

    /// <summary>Names waited for at a time. What comes on top is not found, instead of filling the memory.</summary>
    private const int MaxPending = 10_000;

    /// <summary>
    /// Names of a stream beyond which nothing is asked for that only labels need: whoever can call us chooses from how many
    /// addresses.
    /// </summary>
    private const int MaxNamesForLabels = 20_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TaskCompletionSource> _pending = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _answered = new(StringComparer.Ordinal); // on this stream; when
    private readonly HashSet<string> _subscribed = new(StringComparer.Ordinal); // on this stream
    private readonly Channel<string> _unsent = Channel.CreateUnbounded<string>();
    private TaskCompletionSource _renewal = NewSource();
    private long? _renewedAt;

    /// <summary>Clock of all waits.</summary>
    public TimeProvider Time => time;

    /// <summary>How long a connection waits for what it needs.</summary>
    public TimeSpan Timeout => timeout;

    /// <summary>Names to subscribe, in order; some may be subscribed already.</summary>
    public ChannelReader<string> Unsent => _unsent.Reader;

    /// <summary>Completes when the current stream should be ended and another one opened.</summary>
    public Task RenewalAsked
    {
        get
        {
            lock (_lock)
            {
                return _renewal.Task;
            }
        }
    }

    /// <summary>
    /// Returns when the control plane has answered for that name and the answer is in the mesh, or when the time is over.
    /// The caller looks there again.
    /// </summary>
    /// <param name="name"><c>network/ip</c>, <c>namespace/hostname</c> or a uid.</param>
    /// <param name="cancellationToken">Gives up this wait alone.</param>
    public ValueTask FetchAsync(string name, CancellationToken cancellationToken) =>
        WaitAsync(Ask(name, isForLabels: false), cancellationToken);

    /// <summary>
    /// The same for a name that nothing but labels depends on: it is not worth another stream, nor a place among too many.
    /// </summary>
    public ValueTask FetchForLabelsAsync(string name, CancellationToken cancellationToken) =>
        WaitAsync(Ask(name, isForLabels: true), cancellationToken);

    /// <summary>A stream begins, which claims these names; an answer to them will come with its first response.</summary>
    public void BeginStream(IEnumerable<string> claimed)
    {
        lock (_lock)
        {
            _answered.Clear();
            _subscribed.Clear();
            _subscribed.UnionWith(claimed);
            _renewal = NewSource();
        }
    }

    /// <summary>The names that are waited for.</summary>
    public string[] Pending()
    {
        lock (_lock)
        {
            return [.. _pending.Keys];
        }
    }

    /// <summary>Whether a name has to be subscribed on this stream; it counts as subscribed from now on.</summary>
    public bool TrySubscribe(string name)
    {
        lock (_lock)
        {
            return _subscribed.Add(name);
        }
    }

    /// <summary>A response is in the mesh: whoever waits for a name in it, by alias too, carries on.</summary>
    /// <param name="response">The response.</param>
    /// <param name="claimed">On a stream's first answer, the names it claimed: each of them is answered by it.</param>
    public void Answer(DecodedResponse response, IEnumerable<string> claimed)
    {
        lock (_lock)
        {
            foreach (var resource in response.Resources)
            {
                Answer(resource.Name);
                foreach (var alias in resource.Aliases ?? [])
                {
                    Answer(alias);
                }
            }

            foreach (var name in response.Removed)
            {
                Answer(name);
            }

            foreach (var name in claimed)
            {
                Answer(name);
            }
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async ValueTask WaitAsync(Task? answer, CancellationToken cancellationToken)
    {
        if (answer is null)
        {
            return;
        }

        try
        {
            await answer.WaitAsync(timeout, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Not found then. The name stays asked for, and an answer that comes later is in the mesh for the next one.
        }
    }

    /// <summary>Null when there is nothing to wait for.</summary>
    private Task? Ask(string name, bool isForLabels)
    {
        lock (_lock)
        {
            if (_pending.TryGetValue(name, out var pending))
            {
                return pending.Task;
            }

            if (_pending.Count >= MaxPending
                || (isForLabels && _subscribed.Count >= MaxNamesForLabels)
                || (_answered.TryGetValue(name, out var at) && (isForLabels || !RenewFor(at))))
            {
                return null;
            }

            var source = NewSource();
            _pending.Add(name, source);
            _unsent.Writer.TryWrite(name); // unbounded, and each pending name is in it once
            return source.Task;
        }
    }

    private bool RenewFor(long answeredAt)
    {
        if (time.GetElapsedTime(answeredAt) < UnknownLifetime
            || (_renewedAt is { } last && time.GetElapsedTime(last) < RenewalInterval))
        {
            return false;
        }

        _renewedAt = time.GetTimestamp();
        _renewal.TrySetResult();
        return true;
    }

    private void Answer(string name)
    {
        if (_pending.Remove(name, out var source))
        {
            source.TrySetResult();
        }

        if (_subscribed.Contains(name))
        {
            _answered[name] = time.GetTimestamp();
        }
    }
}
