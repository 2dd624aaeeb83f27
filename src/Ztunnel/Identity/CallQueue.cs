namespace Ztunnel.Identity;

/// <summary>
/// Lets so many calls to the CA run at once, the most urgent first and among equals the one that came first. A few places
/// are kept for connections that wait, so that a CA which answers prefetches slowly does not make them wait for those.
/// </summary>
/// <param name="places">Calls at the same time.</param>
/// <param name="reserved">How many of the places only <see cref="CallPriority.RealTime"/> may take.</param>
internal sealed class CallQueue(int places, int reserved)
{
    private readonly Lock _gate = new();
    private readonly SortedSet<CallTicket> _waiting = new(CallTicket.ByUrgency);
    private long _lastNumber;
    private int _running;

    /// <summary>Queues a call. Its ticket has to leave, whether its turn came or not.</summary>
    public CallTicket Enter(CallPriority priority)
    {
        lock (_gate)
        {
            var ticket = new CallTicket(this, priority, ++_lastNumber);
            _waiting.Add(ticket);
            GrantWhatFits();
            return ticket;
        }
    }

    /// <summary>Makes a waiting call more urgent; it is never made less so.</summary>
    internal void Raise(CallTicket ticket, CallPriority priority)
    {
        lock (_gate)
        {
            if (priority > ticket.Priority && _waiting.Remove(ticket))
            {
                ticket.Priority = priority;
                _waiting.Add(ticket);
                GrantWhatFits();
            }
        }
    }

    internal void Leave(CallTicket ticket)
    {
        lock (_gate)
        {
            if (!_waiting.Remove(ticket))
            {
                _running--;
            }

            GrantWhatFits();
        }
    }

    private void GrantWhatFits()
    {
        while (_waiting.Min is { } next
            && _running < (next.Priority == CallPriority.RealTime ? places : places - reserved))
        {
            _waiting.Remove(next);
            _running++;
            next.Grant();
        }
    }
}
