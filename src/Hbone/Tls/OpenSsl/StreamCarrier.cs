using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Hbone.Http2;

namespace Hbone.Tls.OpenSsl;

/// <summary>
/// A stream of an outer tunnel, which it owns: TLS inside of a CONNECT. Credit returns to the outer peer when the session has
/// read the records; what the outer tunnel does not take yet stays in its batch, and nothing more is encrypted.
/// </summary>
internal sealed class StreamCarrier : IRecordCarrier
{
    private readonly Lock _gate = new();
    private readonly Http2Stream _stream;
    private readonly RecordInput _input = new();
    private readonly GCHandle _inputHandle;
    private readonly Task _over;
    private StreamRead _lent;
    private bool _disposed;

    /// <param name="stream">An open tunnel.</param>
    public StreamCarrier(Http2Stream stream)
    {
        _stream = stream;
        _over = stream.CarryConnection();
        _inputHandle = GCHandle.Alloc(_input);
    }

    /// <inheritdoc/>
    public int HeadRoom => FrameHeader.Length;

    /// <inheritdoc/>
    public bool IsLasting => _stream.IsConnectionOpen;

    /// <inheritdoc/>
    public TlsException ReadFailure => Broken();

    /// <inheritdoc/>
    public nint CreateInput() => InputBio.Create(_inputHandle);

    /// <inheritdoc/>
    public bool TryRefill()
    {
        if (_input.End != RecordInputEnd.None)
        {
            return false;
        }

        ReturnLent();
        if (!_stream.TryRead(out var read))
        {
            return false;
        }

        switch (read.Kind)
        {
            case StreamReadKind.Data:
                Lend(read);
                break;
            case StreamReadKind.End:
                _input.End = RecordInputEnd.Orderly;
                break;
            default:
                _input.End = RecordInputEnd.Broken;
                break;
        }

        return true;
    }

    /// <inheritdoc/>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        using var given = ResetWhen(cancellationToken);
        await _stream.WaitReadableAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return 0;
    }

    /// <inheritdoc/>
    /// <exception cref="TlsException">The outer tunnel is over.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<int> SendAsync(byte[] batch, int length, CancellationToken cancellationToken)
    {
        // The outer peer may let it wait for long.
        var memory = _stream.Memory;
        memory.Charge(batch.Length);
        try
        {
            using var given = ResetWhen(cancellationToken);
            for (var sent = 0; sent < length;)
            {
                var credit = _stream.TakeCredit(length - sent);
                if (credit > 0)
                {
                    await _stream.WriteAsync(batch, HeadRoom + sent, credit);
                    sent += credit;
                    continue;
                }

                cancellationToken.ThrowIfCancellationRequested();
                ThrowIfOver();
                await _stream.WaitWritableAsync();
            }

            cancellationToken.ThrowIfCancellationRequested();
            ThrowIfOver(); // a reset drops what was queued
            return length;
        }
        finally
        {
            memory.Release(batch.Length);
        }
    }

    /// <summary>END_STREAM after the last record; then waits until the outer peer has ended its direction too.</summary>
    /// <param name="written">Completes when everything has left.</param>
    /// <param name="limit">Of each step.</param>
    public async Task SayFarewellAsync(Task written, TimeSpan limit)
    {
        try
        {
            await written.WaitAsync(limit);
            _stream.CompleteWrites();
            await _over.WaitAsync(limit); // a reset would overtake, at the gateway, what is on its way
        }
        catch (TimeoutException)
        {
            // It does not read, or does not end: it learns of the end from the reset.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        ReturnLent();
        _stream.Reset(Http2ErrorCode.Cancel); // does nothing on the wire when both directions have ended
        _inputHandle.Free();
    }

    private void Lend(in StreamRead read)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _lent = read;
                _input.Rest = read.Data;
                return;
            }
        }

        _stream.Return(read);
    }

    // Reader and Dispose may come at the same time; nothing is returned under the lock, because that can continue anybody.
    private void ReturnLent()
    {
        StreamRead lent;
        lock (_gate)
        {
            lent = _lent;
            _lent = default;
        }

        if (lent.OriginalLength > 0)
        {
            _stream.Return(lent);
        }
    }

    private CancellationTokenRegistration ResetWhen(CancellationToken cancellationToken) =>
        cancellationToken.UnsafeRegister(static stream => ((Http2Stream)stream!).Reset(Http2ErrorCode.Cancel), _stream);

    private void ThrowIfOver()
    {
        if (_stream.Failure is not null)
        {
            throw Broken();
        }
    }

    private TlsException Broken() => _stream.Failure is { } failure
        ? new TlsException($"outer tunnel: {failure.Message}", failure)
        : new TlsException("outer tunnel closed");
}
