using Hbone.Http2;
using Hbone.Tls;

namespace Hbone.Tests.Http2;

public class WriteQueueTests
{
    private const int MoreThanAllowed = 1024 * 1024 + 1;

    [Fact]
    public void TransportBreaks_FramesThatWaited_AreLetGo()
    {
        var gate = new Lock();
        WriteQueue? queue = null;
        using var transport = new BrokenTransport();
        queue = new WriteQueue(transport, gate, _ => null, _ => Append(MoreThanAllowed)); // queued before anybody knew of the end

        Append(1);
        queue.Run();

        queue.ThrowIfFlooded(); // nothing is held any more

        void Append(int length)
        {
            lock (gate)
            {
                queue!.AppendRaw(new byte[length]);
            }
        }
    }

    /// <summary>Takes nothing.</summary>
    private sealed class BrokenTransport : ITransport
    {
        public IReadOnlyList<SpiffeId> PeerIds => [];

        public bool HasPeerChain => false;

        public int Unsent => 0;

        public bool HasPeerRevokedBy(RevocationSet revocations) => false;

        public ValueTask<int> WaitReadableAsync() => throw new TlsException("broken");

        public int TryRead(Span<byte> buffer) => throw new TlsException("broken");

        public void Write(ReadOnlySpan<byte> octets) => throw new TlsException("broken");

        public ValueTask FlushAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public void WriteClose()
        {
            // Nobody would hear of it.
        }

        public Task SayFarewellAsync(Task written, TimeSpan limit) => Task.CompletedTask;

        public void Dispose()
        {
            // Nothing is held.
        }
    }
}
