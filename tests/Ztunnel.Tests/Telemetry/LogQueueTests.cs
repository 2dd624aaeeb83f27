using System.Diagnostics;
using System.Text;
using Ztunnel.Telemetry;

namespace Ztunnel.Tests.Telemetry;

public sealed class LogQueueTests
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(50);

    [Fact]
    public void Dispose_FastStream_HasEverythingInOrder()
    {
        var output = new MemoryStream();
        var queue = new LogQueue(output, Describe, TimeSpan.FromSeconds(10));

        for (var i = 0; i < 20_000; i++)
        {
            queue.Add(Encoding.ASCII.GetBytes($"{i}\n"));
        }

        queue.Dispose();
        Assert.Equal(
            Enumerable.Range(0, 20_000).Select(i => $"{i}"),
            Encoding.ASCII.GetString(output.ToArray()).Split('\n')[..^1]);
        Assert.Equal(0, queue.Dropped);
    }

    [Fact]
    public void Add_BlockedStream_DropsCountsAndReports()
    {
        var output = new GatedStream();
        var queue = new LogQueue(output, Describe, TimeSpan.FromSeconds(10));
        queue.Add("first\n"u8);
        output.WaitForWrite();
        var half = new byte[LogQueue.Capacity / 2];

        queue.Add(half);
        queue.Add(half);
        queue.Add("lost\n"u8);
        queue.Add("lost\n"u8);

        Assert.Equal(2, queue.Dropped);
        output.Open();
        queue.Dispose();
        Assert.Equal(6 + LogQueue.Capacity + "2 dropped\n".Length, output.Written.Length);
        Assert.EndsWith("2 dropped\n", Encoding.ASCII.GetString(output.Written.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Dispose_BlockedStream_EndsInTime()
    {
        var output = new GatedStream();
        var queue = new LogQueue(output, Describe, Short);
        queue.Add("stuck\n"u8);
        output.WaitForWrite();
        var waited = Stopwatch.StartNew();

        queue.Dispose();
        queue.Add("late\n"u8);

        Assert.InRange(waited.Elapsed, Short - TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(5));
        Assert.Equal(1, queue.Dropped);
        output.Open();
    }

    [Fact]
    public void Add_BrokenStream_CountsAndGoesOn()
    {
        var output = new MemoryStream();
        output.Dispose();
        var queue = new LogQueue(output, Describe, TimeSpan.FromSeconds(10));

        queue.Add("a\n"u8);
        queue.Dispose();

        Assert.Equal(1, queue.Dropped);
    }

    [Fact]
    public void DiskFullAndThenNot_SaysHowManyLinesWereLost()
    {
        var output = new FullStream();
        var queue = new LogQueue(output, Describe, TimeSpan.FromSeconds(10));
        queue.Add("a\n"u8);
        output.WaitForRefusal();
        output.HasRoom = true;

        queue.Add("b\n"u8);
        queue.Dispose();

        Assert.Equal(1, queue.Dropped);
        Assert.Equal("b\n1 dropped\n", Encoding.ASCII.GetString(output.ToArray()));
    }

    private static byte[] Describe(long count) => Encoding.ASCII.GetBytes($"{count} dropped\n");

    /// <summary>Refuses everything as a full disk does, until it has room.</summary>
    private sealed class FullStream : MemoryStream
    {
        private readonly ManualResetEventSlim _refused = new();

        public volatile bool HasRoom;

        /// <summary>Waits until something was refused.</summary>
        public void WaitForRefusal() => _refused.Wait(TestContext.Current.CancellationToken);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (!HasRoom)
            {
                _refused.Set();
                throw new IOException("No space left on device");
            }

            base.Write(buffer);
        }

        protected override void Dispose(bool disposing)
        {
            _refused.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Takes nothing until it is opened.</summary>
    private sealed class GatedStream : Stream
    {
        private readonly TaskCompletionSource _open = new();
        private readonly TaskCompletionSource _writing = new();

        public MemoryStream Written { get; } = new();

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Open() => _open.TrySetResult();

        public void WaitForWrite() => _writing.Task.Wait(TestContext.Current.CancellationToken);

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _writing.TrySetResult();
            _open.Task.Wait();
            Written.Write(buffer);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
