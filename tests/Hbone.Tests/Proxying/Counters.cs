using Hbone.Proxying;

namespace Hbone.Tests.Proxying;

/// <summary>What a copy reports as delivered.</summary>
internal sealed class Counters : ICopyCounters
{
    public long Received { get; private set; }

    public long Sent { get; private set; }

    public void AddReceived(long bytes) => Received += bytes;

    public void AddSent(long bytes) => Sent += bytes;
}
