using System.Text.Json;

namespace Ztunnel.Inspect;

/// <summary>
/// Reads a config dump from a stream. Its size is limited as a whole and per record, its slowness by how long it may stay
/// silent. The buffer is filled before it is parsed, and doubles when a record does not fit, so the time is linear in the
/// size, whatever the pieces that the stream comes in.
/// </summary>
/// <param name="stream">Stays the caller's.</param>
/// <param name="wanted">Sections to keep.</param>
/// <param name="time">For <see cref="Patience"/>.</param>
/// <param name="limits">What it may cost.</param>
internal sealed class DumpReader(Stream stream, DumpSections wanted, TimeProvider time, DumpLimits limits)
{
    private const int FirstBufferLength = 64 << 10;

    /// <summary>How long nothing may come.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly DumpParser _parser = new(wanted);
    private byte[] _buffer = new byte[Math.Min(FirstBufferLength, limits.PieceLength)];
    private int _filled;
    private long _taken;
    private bool _final;

    /// <summary>Reads all of it.</summary>
    /// <exception cref="DumpException">It cannot be read; says where and why.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<DumpContents> ReadAsync(CancellationToken cancellationToken)
    {
        while (!_final)
        {
            await FillAsync(cancellationToken);
            var taken = Parse();
            _taken += taken;
            _filled -= taken;
            _buffer.AsSpan(taken, _filled).CopyTo(_buffer);
            if (_filled == _buffer.Length)
            {
                Grow();
            }
        }

        return _parser.Contents;
    }

    private async Task FillAsync(CancellationToken cancellationToken)
    {
        while (_filled < _buffer.Length && !_final)
        {
            int read;
            try
            {
                // A read of standard input cannot be cancelled; it is left behind, with the buffer, and the process ends.
                read = await stream.ReadAsync(_buffer.AsMemory(_filled), cancellationToken).AsTask()
                    .WaitAsync(Patience, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                throw new DumpException(
                    $"nothing came for {Patience.TotalSeconds:0} s, after {_taken + _filled} bytes");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DumpException($"broke off after {_taken + _filled} bytes: {e.Message}");
            }

            _final = read == 0;
            _filled += read;
            if (_taken + _filled > limits.Length)
            {
                throw new DumpException($"more than {limits.Length} bytes");
            }
        }
    }

    private int Parse()
    {
        try
        {
            return _parser.Take(_buffer.AsSpan(0, _filled), _final);
        }
        catch (JsonException e)
        {
            var place = _parser.Place;
            throw new DumpException(
                $"{(_final ? "ends too early or is not JSON" : "not JSON")} at line {e.LineNumber + 1}, "
                + $"byte {e.BytePositionInLine + 1}{(place.Length > 0 ? $", in {place}" : "")}: {Reason(e)}");
        }
    }

    // Without the position, which the message repeats.
    private static string Reason(JsonException e) =>
        e.Message.Split(" LineNumber:", 2)[0].Split(" Path:", 2)[0].ReplaceLineEndings(" ");

    private void Grow()
    {
        if (_buffer.Length >= limits.PieceLength)
        {
            var place = _parser.Place;
            throw new DumpException(
                $"more than {limits.PieceLength} bytes in one piece{(place.Length > 0 ? $", {place}" : "")}");
        }

        Array.Resize(ref _buffer, Math.Min(_buffer.Length * 2, limits.PieceLength));
    }
}
