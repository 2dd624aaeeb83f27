using System.Diagnostics.Tracing;

namespace Hbone.Fuzz;

/// <summary>
/// Counts the arrays that are rented from the shared pool and not yet returned, from the events of the pool
/// itself: what is
/// tested needs no counters for it.
/// </summary>
internal sealed class RentedArrays : EventListener
{
    private const string PoolSource = "System.Buffers.ArrayPoolEventSource";
    private const int RentedEvent = 1;
    private const int ReturnedEvent = 3;

    private long _rented;

    /// <summary>Arrays that somebody has.</summary>
    public long Count => Interlocked.Read(ref _rented);

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == PoolSource)
        {
            EnableEvents(eventSource, EventLevel.Verbose);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventId is RentedEvent or ReturnedEvent)
        {
            Interlocked.Add(ref _rented, eventData.EventId == RentedEvent ? 1 : -1);
        }
    }
}
