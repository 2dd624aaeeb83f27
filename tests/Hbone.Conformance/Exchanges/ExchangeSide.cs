using Hbone.Http2;
using Hbone.Tests.Http2;

namespace Hbone.Conformance.Exchanges;

/// <summary>
/// Our side of one exchange, in either role. Its counterparts are <c>h2_exchange.py</c> and <c>exchange-side.mjs</c>.
/// </summary>
internal sealed class ExchangeSide(ExchangePlan plan, Exchange exchange, Http2Stream stream, bool isServer)
{
    private readonly TaskCompletionSource _hasAll = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _peerEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _received;
    private bool _isIntact = true;
    private volatile bool _isCut;

    /// <summary>Runs until both directions are over.</summary>
    public async Task<ExchangeOutcome> RunAsync()
    {
        var sending = SendAsync();
        var end = await ReceiveAsync();
        await sending;
        return end == StreamReadKind.End
            ? new ExchangeOutcome(exchange.Index, _received, _isIntact, "end", null, null)
            : new ExchangeOutcome(
                exchange.Index, _received, _isIntact, _isCut ? "local" : "reset", (int)stream.Failure!.Code, null);
    }

    // What this side waits for in the middle of its bytes, if it does.
    private Task? Awaited => (exchange.Course, isServer) switch
    {
        (Course.ClientEndsFirst, true) or (Course.ServerEndsFirst, false) => _peerEnded.Task,
        (Course.ServerHasAllFirst or Course.ClientResetsLast, true) or (Course.ServerResetsLast, false) => _hasAll.Task,
        _ => null,
    };

    private async Task SendAsync()
    {
        var size = isServer ? exchange.Down : exchange.Up;
        var first = Awaited is null ? size : size / 2;
        if (!await SendAsync(0, first))
        {
            return;
        }

        if (Awaited is { } awaited)
        {
            await awaited;
            await SendAsync(first, size);
        }

        await EndAsync();
    }

    private async Task EndAsync()
    {
        switch (exchange.Course, isServer)
        {
            case (Course.ClientResets, false) or (Course.ServerResets, true):
                Reset((Http2ErrorCode)exchange.Code);
                break;
            case (Course.ClientResetsLast, false) or (Course.ServerResetsLast, true):
                await _hasAll.Task;
                Reset((Http2ErrorCode)exchange.Code);
                break;
            case (Course.ClientResetsLast or Course.ServerResetsLast, _):
                break; // until the peer resets
            case (Course.ServerEndsAndResets, true):
                stream.CompleteWrites();
                Reset(Http2ErrorCode.NoError);
                break;
            default:
                stream.CompleteWrites();
                break;
        }
    }

    private void Reset(Http2ErrorCode code)
    {
        _isCut = stream.Failure is null;
        stream.Reset(code);
    }

    private async Task<bool> SendAsync(int start, int end)
    {
        while (start < end)
        {
            var bytes = plan.BytesOf(exchange, isServer, start, end - start);
            if (!await stream.SendAsync(bytes))
            {
                return false;
            }

            start += bytes.Length;
        }

        return true;
    }

    private async Task<StreamReadKind> ReceiveAsync()
    {
        var size = isServer ? exchange.Up : exchange.Down;
        while (true)
        {
            if (_received == size)
            {
                _hasAll.TrySetResult();
            }

            var read = await stream.ReadAsync();
            if (read.Kind != StreamReadKind.Data)
            {
                _hasAll.TrySetResult();
                _peerEnded.TrySetResult();
                return read.Kind;
            }

            for (var rest = read.Data; !rest.IsEmpty;)
            {
                var expected = plan.BytesOf(exchange, !isServer, _received, rest.Length);
                _isIntact &= expected.Span.SequenceEqual(rest.Span[..expected.Length]);
                _received += expected.Length;
                rest = rest[expected.Length..];
            }

            stream.Return(read);
        }
    }
}
