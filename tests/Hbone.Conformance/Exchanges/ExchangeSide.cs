using Hbone.Http2;
using Hbone.Tests.Http2;

namespace Hbone.Conformance.Exchanges;

/// <summary>Our side of one exchange, in either role. Its counterpart is <c>h2_exchange.py</c>.</summary>
internal sealed class ExchangeSide(ExchangePlan plan, Exchange exchange, Http2Stream stream, bool isServer)
{
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

    private async Task SendAsync()
    {
        var size = isServer ? exchange.Down : exchange.Up;
        var course = exchange.Course;
        var waits = isServer
            ? course is Course.ClientEndsFirst or Course.ServerHasAllFirst
            : course is Course.ServerEndsFirst;
        var held = waits ? size - (size / 2) : 0;
        if (!await SendAsync(0, size - held))
        {
            return;
        }

        if (waits)
        {
            await _peerEnded.Task;
            await SendAsync(size - held, size);
        }

        if (course == (isServer ? Course.ServerResets : Course.ClientResets))
        {
            _isCut = stream.Failure is null;
            stream.Reset((Http2ErrorCode)exchange.Code);
            return;
        }

        stream.CompleteWrites();
        if (isServer && course == Course.ServerEndsAndResets)
        {
            _isCut = stream.Failure is null;
            stream.Reset(Http2ErrorCode.NoError);
        }
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
        while (true)
        {
            if (exchange.Course == Course.ServerHasAllFirst && isServer && _received == exchange.Up)
            {
                _peerEnded.TrySetResult();
            }

            var read = await stream.ReadAsync();
            if (read.Kind != StreamReadKind.Data)
            {
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
