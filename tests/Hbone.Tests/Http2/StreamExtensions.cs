using Hbone.Http2;

namespace Hbone.Tests.Http2;

/// <summary>Reading and writing a tunnel's stream as a test wants it: whole, with an end to every wait.</summary>
internal static class StreamExtensions
{
    private const int HeadRoom = 9;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>What comes next, waiting for it.</summary>
    public static async Task<StreamRead> ReadAsync(this Http2Stream stream)
    {
        StreamRead read;
        while (!stream.TryRead(out read))
        {
            await stream.WaitReadableAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
        }

        return read;
    }

    /// <summary>Everything up to END_STREAM.</summary>
    public static async Task<byte[]> ReadToEndAsync(this Http2Stream stream)
    {
        var (bytes, end) = await stream.ReadAllAsync();
        Assert.Equal((StreamReadKind.End, null), (end, stream.Failure));
        return bytes;
    }

    /// <summary>Everything up to the end or the reset.</summary>
    public static async Task<(byte[] Bytes, StreamReadKind End)> ReadAllAsync(this Http2Stream stream)
    {
        using var bytes = new MemoryStream();
        while (true)
        {
            var read = await stream.ReadAsync();
            if (read.Kind != StreamReadKind.Data)
            {
                return (bytes.ToArray(), read.Kind);
            }

            bytes.Write(read.Data.Span);
            stream.Return(read);
        }
    }

    /// <summary>Sends everything, as credit comes; false when the stream was reset meanwhile.</summary>
    public static async Task<bool> SendAsync(this Http2Stream stream, ReadOnlyMemory<byte> payload)
    {
        while (!payload.IsEmpty && stream.Failure is null)
        {
            var credit = stream.TakeCredit(Math.Min(payload.Length, 100_000));
            if (credit == 0)
            {
                await stream.WaitWritableAsync().AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
                continue;
            }

            var buffer = new byte[HeadRoom + credit];
            payload[..credit].CopyTo(buffer.AsMemory(HeadRoom));
            payload = payload[credit..];
            await stream.WriteAsync(buffer, HeadRoom, credit)
                .AsTask().WaitAsync(Deadline, TestContext.Current.CancellationToken);
        }

        return stream.Failure is null;
    }
}
