using Hbone.Http2;

namespace Hbone.Fuzz.Targets;

/// <summary>
/// What uses the streams of a connection: each in a way of its own, from an echo to one that never reads, and
/// all of them
/// within the rules of <see cref="Http2Stream"/>.
/// </summary>
internal sealed class Application(SequenceRandom random)
{
    private const int HeadRoom = 9;
    private const int MaxTalk = 40_000;
    private static readonly byte[] Words = new byte[HeadRoom + MaxTalk];

    private readonly List<(Http2Stream Stream, Task Work)> _streams = [];
    private readonly List<ConnectRequest> _waiting = [];
    private SequenceRandom _random = random;

    /// <summary>A request arrived.</summary>
    public void Serve(ConnectRequest request)
    {
        switch (_random.Next(6))
        {
            case 0:
                request.Refuse(503); // and nobody looks at the stream again
                break;
            case 1:
                request.Stream.Reset(Http2ErrorCode.ConnectError);
                Keep(request.Stream, Task.CompletedTask);
                break;
            case 2:
                _waiting.Add(request);
                break;
            default:
                Accept(request);
                break;
        }
    }

    /// <summary>Uses a stream that we opened.</summary>
    public void Use(Http2Connection connection, Http2Stream stream) =>
        Keep(stream, UseAnsweredAsync(connection, stream));

    /// <summary>Time passes: some requests that waited are answered.</summary>
    public void Step()
    {
        if (_waiting.Count > 0 && _random.OneIn(3))
        {
            var request = _waiting[0];
            _waiting.RemoveAt(0);
            Accept(request);
        }
    }

    /// <summary>After the connection's end: everybody must have noticed, and lets go of what is left.</summary>
    /// <exception cref="FuzzFailure">Somebody still waits, or failed in a way that is not documented.</exception>
    public void CheckEnded()
    {
        foreach (var request in _waiting)
        {
            request.Stream.Reset(Http2ErrorCode.Cancel);
        }

        foreach (var (stream, work) in _streams)
        {
            if (!work.IsCompleted)
            {
                throw new FuzzFailure($"somebody still waits for stream {stream.Id} after the connection's end");
            }

            work.GetAwaiter().GetResult();
            if (!stream.TryRead(out var left) && stream.Failure is null)
            {
                throw new FuzzFailure($"stream {stream.Id} has no end");
            }

            stream.Return(left);
            stream.Reset(Http2ErrorCode.Cancel); // what nobody read
        }
    }

    private void Accept(ConnectRequest request)
    {
        request.Accept();
        Keep(request.Stream, UseAsync(request.Stream));
    }

    private void Keep(Http2Stream stream, Task work) => _streams.Add((stream, work));

    private async Task UseAnsweredAsync(Http2Connection connection, Http2Stream stream)
    {
        try
        {
            await connection.WaitAnswerAsync(stream);
        }
        catch (Http2Exception)
        {
            return; // reset, or the connection broke
        }

        await UseAsync(stream);
    }

    private Task UseAsync(Http2Stream stream) => _random.Next(4) switch
    {
        0 => TalkAsync(stream, 1 + _random.Next(MaxTalk)),
        1 => ReadAsync(stream, echo: false),
        _ => ReadAsync(stream, echo: true),
    };

    // Never reads, says its piece and ends.
    private static async Task TalkAsync(Http2Stream stream, int length)
    {
        if (await SayAsync(stream, Words, length))
        {
            stream.CompleteWrites();
        }
    }

    private static async Task ReadAsync(Http2Stream stream, bool echo)
    {
        while (true)
        {
            StreamRead read;
            while (!stream.TryRead(out read))
            {
                await stream.WaitReadableAsync();
            }

            if (read.Kind != StreamReadKind.Data)
            {
                stream.CompleteWrites();
                return;
            }

            if (echo)
            {
                byte[] words = [.. new byte[HeadRoom], .. read.Data.Span];
                await SayAsync(stream, words, read.Data.Length);
            }

            stream.Return(read);
        }
    }

    // False after a reset.
    private static async Task<bool> SayAsync(Http2Stream stream, byte[] words, int length)
    {
        for (var said = 0; said < length;)
        {
            var credit = stream.TakeCredit(length - said);
            if (credit == 0)
            {
                if (stream.Failure is not null)
                {
                    return false;
                }

                await stream.WaitWritableAsync();
                continue;
            }

            // A copy, because headers are written over what lies before the payload.
            await stream.WriteAsync(words.AsSpan(said, HeadRoom + credit).ToArray(), HeadRoom, credit);
            said += credit;
        }

        return true;
    }
}
