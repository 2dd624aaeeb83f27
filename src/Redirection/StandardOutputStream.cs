using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Redirection;

/// <summary>
/// Standard output as a stream whose every failure is an error: that of <see cref="Console"/> swallows writes to a pipe that
/// nobody reads any more. Writes block while a reader is slow, also when somebody made the descriptor non-blocking. One writer.
/// </summary>
/// <param name="descriptor">Given.</param>
public sealed class StandardOutputStream(SafeFileHandle descriptor) : Stream
{
    private const int Interrupted = 4; // EINTR
    private const int TryAgain = 11; // EAGAIN
    private const int Writable = 4; // POLLOUT
    private const int BrokenPipe = 13; // SIGPIPE
    private const nint Ignore = 1; // SIG_IGN

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The process's own. A reader that goes away is an error of the write from now on, not the end of the process.</summary>
    public static StandardOutputStream Open()
    {
        _ = NativeMethods.SetSignalHandler(BrokenPipe, Ignore);
        return new StandardOutputStream(new SafeFileHandle(1, ownsHandle: false));
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <exception cref="IOException">Not all of it was written: the disk is full, the pipe is closed.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var written = NativeMethods.Write(descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            var error = OsError.Last;
            if (error.Number == TryAgain)
            {
                WaitUntilWritable();
            }
            else if (error.Number != Interrupted)
            {
                throw error.ToException("cannot write to standard output");
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            descriptor.Dispose();
        }

        base.Dispose(disposing);
    }

    // What went wrong, if something did, the next write says.
    private void WaitUntilWritable()
    {
        var request = new PollRequest
        {
            Descriptor = (int)descriptor.DangerousGetHandle(),
            Events = Writable,
            Returned = 0,
        };
        _ = NativeMethods.Poll(ref request, count: 1, timeout: -1);
    }
}
