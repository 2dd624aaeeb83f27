using System.Buffers;
using System.Net.Sockets;
using Hbone.Memory;
using Hbone.Proxying.Splicing;

namespace Hbone.Proxying;

/// <summary>
/// One direction between two sockets. Copies, and moves payload through a pipe instead while more comes than one buffer
/// holds: below that, copying costs less than the system calls of a pipe.
/// </summary>
internal sealed class SocketPump(Socket from, Socket to, Action<long> count, MemoryBudget memory, PipePool? pipes)
{
    // After so much without waiting, other sockets of this thread get their turn.
    private const int YieldAfter = 16 * 1024 * 1024;

    // A burst that brings less is copied next time.
    private const int SmallestBurst = 16 * 1024;

    // What passes through user space to learn when a socket has room again. A single byte would do, as a packet of its own.
    private const int ProbeLength = 4096;

    private CopyBuffer _buffer = new(memory);
    private bool _isReadable;
    private bool _isBulk;
    private int _sinceYield;
    private volatile bool _hasEnded; // read by the opposite direction
    private volatile bool _hasFailed; // so is this

    /// <summary>The other direction between the same sockets.</summary>
    public SocketPump? Opposite { private get; set; }

    /// <summary>Whether it broke, and the other direction had not broken before.</summary>
    public bool HasFailedFirst { get; private set; }

    /// <summary>Runs until the end of the stream has been passed on.</summary>
    /// <returns>Null, or what broke it; then both sockets are reset.</returns>
    public async Task<Exception?> RunAsync()
    {
        try
        {
            while (true)
            {
                if (!_isReadable)
                {
                    _buffer.Return();
                    await from.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None);
                }

                if (_isBulk && !memory.IsTight && pipes?.TryRent() is { } pipe)
                {
                    _buffer.Return();
                    if (!await SpliceAsync(pipe, pipes))
                    {
                        PassEndOn();
                        return null;
                    }
                }
                else
                {
                    var array = _buffer.Rent();
                    var read = Receive(array);
                    if (read == 0)
                    {
                        PassEndOn();
                        return null;
                    }

                    if (read > 0)
                    {
                        await to.SendAsync(array.AsMemory(0, read), SocketFlags.None);
                        count(read);
                        _sinceYield += read;
                    }
                }

                if (_sinceYield >= YieldAfter)
                {
                    _sinceYield = 0;
                    await Task.Yield();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            HasFailedFirst = Opposite is not { _hasFailed: true };
            _hasFailed = true; // before it breaks the other
            SocketReset.Now(from);
            await SocketReset.AfterDeliveryAsync(to);
            return e;
        }
        finally
        {
            _buffer.Return();
        }
    }

    // The kernel tells of a reset once only. When the opposite direction, which was sending there, has heard of it, a read sees
    // the end of the stream, although a connection whose other half is open cannot be over in an orderly way.
    private void PassEndOn()
    {
        if (SocketReset.IsClosed(from) && Opposite is { _hasEnded: false })
        {
            throw new SocketException((int)SocketError.ConnectionReset);
        }

        _hasEnded = true; // before it is true
        to.Shutdown(SocketShutdown.Send);
    }

    // Bytes; 0 at the end; -1 when there is nothing yet.
    private int Receive(byte[] array)
    {
        var room = _buffer.PayloadLength;
        var read = from.Receive(array.AsSpan(0, room), SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            _isReadable = false;
            return -1;
        }

        if (error != SocketError.Success)
        {
            throw new SocketException((int)error);
        }

        _buffer.Add(read);
        _isReadable = read == room;
        _isBulk = read >= SmallestBurst - CopyBuffer.HeadRoom;
        return read;
    }

    // Moves what there is. False at the end of the stream.
    private async ValueTask<bool> SpliceAsync(SplicePipe pipe, PipePool pool)
    {
        var moved = 0;
        try
        {
            while (moved < YieldAfter)
            {
                var filled = pipe.Fill(from, out var error);
                if (filled == 0)
                {
                    return false;
                }

                if (filled < 0)
                {
                    if (SpliceError.IsRefusal(error))
                    {
                        pool.GiveUp(error);
                    }
                    else if (error != Native.TryAgain)
                    {
                        throw SpliceError.ToException(error);
                    }
                    else
                    {
                        _isReadable = false;
                        _isBulk = moved >= SmallestBurst;
                    }

                    return true;
                }

                while (pipe.Pending > 0)
                {
                    var drained = pipe.Drain(to, out error);
                    if (drained > 0)
                    {
                        count(drained);
                    }
                    else if (error == Native.TryAgain)
                    {
                        await UntilWritableAsync(pipe);
                    }
                    else
                    {
                        throw SpliceError.ToException(error);
                    }
                }

                moved += filled;
            }

            return true;
        }
        finally
        {
            _sinceYield += moved;
            pool.Return(pipe, moved);
        }
    }

    // .NET has no wait for room in a socket but that of a send, so the first bytes out of the pipe are sent in that way.
    private async ValueTask UntilWritableAsync(SplicePipe pipe)
    {
        var held = pipe.Pending;
        memory.Charge(held);
        var probe = ArrayPool<byte>.Shared.Rent(ProbeLength);
        try
        {
            var length = pipe.Read(probe.AsSpan(0, ProbeLength));
            await to.SendAsync(probe.AsMemory(0, length), SocketFlags.None);
            count(length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(probe);
            memory.Release(held);
        }
    }
}
