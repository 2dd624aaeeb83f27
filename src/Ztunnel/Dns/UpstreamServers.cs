using System.Collections.Immutable;
using System.Net;

namespace Ztunnel.Dns;

/// <summary>
/// The name servers and what became of the last query to each: one that failed comes last for a while. Any thread may
/// call any member.
/// </summary>
internal sealed class UpstreamServers(ImmutableArray<IPEndPoint> servers, TimeSpan distrust, TimeProvider time)
{
    private const long Unknown = 0;
    private const long Answered = -1;

    // For each server: unknown, answered, or the time stamp of its failure. Single values, so no lock.
    private readonly long[] _states = new long[servers.Length];

    /// <summary>Indexes of the servers in the order in which to ask them.</summary>
    public int[] Order()
    {
        var order = new int[servers.Length];
        var ranks = new int[servers.Length];
        for (var i = 0; i < servers.Length; i++)
        {
            order[i] = i;
            ranks[i] = (RankOf(i) * servers.Length) + i;
        }

        Array.Sort(ranks, order);
        return order;
    }

    /// <summary>The address of a server.</summary>
    public IPEndPoint this[int index] => servers[index];

    /// <summary>Whether the last query to it was answered, so that there is no need to ask another one at once.</summary>
    public bool IsTrusted(int index) => Volatile.Read(ref _states[index]) == Answered;

    /// <summary>It answered.</summary>
    public void Succeeded(int index) => Volatile.Write(ref _states[index], Answered);

    /// <summary>It could not be reached or was silent.</summary>
    public void Failed(int index) => Volatile.Write(ref _states[index], Math.Max(1, time.GetTimestamp()));

    // Those that answer first, then those that nobody knows of.
    private int RankOf(int index)
    {
        var state = Volatile.Read(ref _states[index]);
        if (state == Answered)
        {
            return 0;
        }

        if (state != Unknown && time.GetElapsedTime(state) < distrust)
        {
            return 2;
        }

        Interlocked.CompareExchange(ref _states[index], Unknown, state);
        return 1;
    }
}
