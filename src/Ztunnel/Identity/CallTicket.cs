namespace Ztunnel.Identity;

/// <summary>A place in a <see cref="CallQueue"/>, waiting and then running; leaving lets the next one in.</summary>
internal sealed class CallTicket(CallQueue queue, CallPriority priority, long number)
{
    private readonly TaskCompletionSource _turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left;

    /// <summary>The most urgent first, then in the order of arrival.</summary>
    public static IComparer<CallTicket> ByUrgency { get; } = Comparer<CallTicket>.Create(static (a, b) =>
        a.Priority != b.Priority ? b.Priority.CompareTo(a.Priority) : a.Number.CompareTo(b.Number));

    /// <summary>Completes when the call may begin.</summary>
    public Task Turn => _turn.Task;

    /// <summary>Changed under the lock of the queue only, and never while the ticket is in its set.</summary>
    public CallPriority Priority { get; set; } = priority;

    private long Number { get; } = number;

    /// <summary>Makes the call more urgent while it waits.</summary>
    public void Raise(CallPriority to) => queue.Raise(this, to);

    /// <summary>By the queue, once.</summary>
    public void Grant() => _turn.SetResult();

    /// <summary>Gives the place up, whether its turn came or not; a second time does nothing.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _left, 1) == 0)
        {
            queue.Leave(this);
        }
    }
}
