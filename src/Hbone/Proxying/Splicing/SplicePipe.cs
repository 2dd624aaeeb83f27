using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hbone.Proxying.Splicing;

/// <summary>
/// A pipe through which one direction moves payload from socket to socket without copying it (splice(2)). Never blocks.
/// Filled only when it is empty, so that "try again" always speaks of the socket. One user at a time.
/// </summary>
internal sealed class SplicePipe : IDisposable
{
    private readonly SafeFileHandle _readEnd;
    private readonly SafeFileHandle _writeEnd;

    /// <param name="readEnd">Taken over.</param>
    /// <param name="writeEnd">Taken over.</param>
    /// <param name="capacity">Most bytes that are put into it.</param>
    public SplicePipe(SafeFileHandle readEnd, SafeFileHandle writeEnd, int capacity)
    {
        _readEnd = readEnd;
        _writeEnd = writeEnd;
        Capacity = capacity;
    }

    /// <summary>Most bytes that it takes at once. It may be full earlier: what counts for the kernel is pieces.</summary>
    public int Capacity { get; }

    /// <summary>Bytes in it.</summary>
    public int Pending { get; private set; }

    /// <summary>Makes one.</summary>
    /// <param name="capacity">Bytes wanted. The system may allow less to a user that has many pipes (pipe(7)).</param>
    /// <param name="pipe">The pipe.</param>
    /// <param name="error">errno, when there is none to be had.</param>
    public static bool TryCreate(int capacity, [NotNullWhen(true)] out SplicePipe? pipe, out int error)
    {
        Span<int> ends = stackalloc int[2];
        if (Native.MakePipe(ends, Native.NonBlocking | Native.CloseOnExec) != 0)
        {
            (pipe, error) = (null, Marshal.GetLastPInvokeError());
            return false;
        }

        var readEnd = new SafeFileHandle(ends[0], ownsHandle: true);
        var writeEnd = new SafeFileHandle(ends[1], ownsHandle: true);
        error = 0;
        if (Native.Control(writeEnd, Native.SetPipeSize, capacity) < 0)
        {
            capacity = Math.Min(capacity, Native.Control(writeEnd, Native.GetPipeSize, 0));
        }

        pipe = new SplicePipe(readEnd, writeEnd, capacity);
        return true;
    }

    /// <summary>Moves what the socket has into the empty pipe.</summary>
    /// <returns>Bytes; 0 at the end of the stream; -1 with an error, which is EAGAIN when there is nothing to read.</returns>
    public int Fill(Socket from, out int error)
    {
        nint moved;
        do
        {
            moved = Native.Splice(
                from.SafeHandle, 0, _writeEnd, 0, (nuint)Capacity, Native.Move | Native.DoNotBlock);
            error = moved < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == Native.Interrupted);

        Pending += Math.Max(0, (int)moved);
        return (int)moved;
    }

    /// <summary>Moves what is in the pipe into the socket.</summary>
    /// <returns>Bytes; -1 with an error, which is EAGAIN when the socket has no room.</returns>
    public int Drain(Socket to, out int error)
    {
        nint moved;
        do
        {
            moved = Native.Splice(_readEnd, 0, to.SafeHandle, 0, (nuint)Pending, Native.Move | Native.DoNotBlock);
            error = moved < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (error == Native.Interrupted);

        Pending -= Math.Max(0, (int)moved);
        return (int)moved;
    }

    /// <summary>Copies the first bytes out of the pipe.</summary>
    /// <returns>How many; less than the buffer has room for when there are no more.</returns>
    public int Read(Span<byte> buffer)
    {
        nint read;
        do
        {
            read = Native.Read(_readEnd, buffer, (nuint)buffer.Length);
        }
        while (read < 0 && Marshal.GetLastPInvokeError() == Native.Interrupted);

        if (read <= 0)
        {
            throw new IOException($"a pipe has lost {Pending} bytes");
        }

        Pending -= (int)read;
        return (int)read;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _readEnd.Dispose();
        _writeEnd.Dispose();
    }
}
