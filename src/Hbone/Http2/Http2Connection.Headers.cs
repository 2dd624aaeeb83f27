using System.Buffers;
using Hbone.Http2.Hpack;

namespace Hbone.Http2;

/// <summary>Header blocks that arrive: requests, answers, trailers (RFC 9113 sections 6.2, 6.10 and 8). Under the gate.</summary>
public sealed partial class Http2Connection
{
    /// <inheritdoc/>
    void IFrameHandler.OnHeaders(int streamId, bool endStream)
    {
        _headersStream = streamId;
        _headersEndStream = endStream;
        _headerBlock.ResetWrittenCount();
        if (_role.IsServer && streamId > _lastPeerStreamId && streamId % 2 == 0)
        {
            throw new Http2ConnectionException(
                Http2ErrorCode.ProtocolError, $"client opened stream {streamId}"); // section 5.1.1
        }
    }

    /// <inheritdoc/>
    void IFrameHandler.OnHeaderFragment(ReadOnlySpan<byte> fragment)
    {
        if (_headerBlock.WrittenCount + fragment.Length > _role.MaxHeaderListSize * MaxHeaderBlockFactor)
        {
            throw new Http2ConnectionException(
                Http2ErrorCode.EnhanceYourCalm,
                $"header block longer than {_role.MaxHeaderListSize * MaxHeaderBlockFactor} octets");
        }

        _headerBlock.Write(fragment);
    }

    /// <inheritdoc/>
    void IFrameHandler.OnHeadersEnd(int streamId)
    {
        var tooLarge = Decode();
        if (_streams.TryGetValue(streamId, out var stream))
        {
            OnFurtherHeaders(stream, tooLarge);
        }
        else if (_role.IsServer && streamId > _lastPeerStreamId)
        {
            _skipped.OnOpened(_lastPeerStreamId, streamId);
            _lastPeerStreamId = streamId;
            OnRequest(streamId, tooLarge);
        }
        else if (_skipped.Contains(streamId))
        {
            throw new Http2ConnectionException(
                Http2ErrorCode.ProtocolError, $"stream {streamId} opened after {_lastPeerStreamId}"); // section 5.1.1
        }
        else
        {
            RefuseIdle(streamId, "HEADERS");
            _abuse.Count(AbuseKind.UselessFrame);
        }

        _fields.Clear();
    }

    private bool Decode()
    {
        try
        {
            return _decoder.Decode(_headerBlock.WrittenSpan, _fields) == HpackDecodeResult.HeaderListTooLarge;
        }
        catch (HpackException e)
        {
            throw new Http2ConnectionException(Http2ErrorCode.CompressionError, e.Message, e);
        }
        finally
        {
            _headerBlock.ResetWrittenCount();
        }
    }

    private void OnRequest(int streamId, bool tooLarge)
    {
        if (_draining || _streams.Count + _abandoned >= _role.MaxConcurrentStreams)
        {
            _abuse.Count(AbuseKind.AbandonedRequest);
            _writes.Append(FrameType.RstStream, streamId, (int)Http2ErrorCode.RefusedStream);
            return;
        }

        var stream = NewStream(streamId, ours: false);
        stream.RemoteEnded = _headersEndStream;
        _streams.Add(streamId, stream);
        if (tooLarge)
        {
            _abuse.Count(AbuseKind.StreamError);
            AppendAnswer(stream, [new HeaderField(":status", "431")], endStream: true);
        }
        else if (ConnectRequest.Parse(_fields) is { } request)
        {
            stream.IsPending = true;
            _newRequests.Add(new ConnectRequest(this, stream, request.Method, request.Authority, request.Headers));
        }
        else
        {
            FailStream(stream, Http2ErrorCode.ProtocolError, "malformed request");
        }
    }

    // The answer to our request, or trailers.
    private void OnFurtherHeaders(Http2Stream stream, bool tooLarge)
    {
        if (stream.RemoteEnded)
        {
            FailStream(stream, Http2ErrorCode.StreamClosed, "HEADERS after END_STREAM");
            return;
        }

        if (_role.IsServer || stream.Answer is { Status: >= 200 and < 300 })
        {
            // Section 8.5: nothing but DATA and stream management is legal on a tunnel.
            FailStream(stream, Http2ErrorCode.ProtocolError, "HEADERS on a tunnel");
            return;
        }

        if (stream.Answer is not null)
        {
            if (tooLarge || !_headersEndStream || !_fields.TrueForAll(HeaderRules.IsLegal))
            {
                FailStream(stream, Http2ErrorCode.ProtocolError, "malformed trailers");
                return;
            }
        }
        else if (tooLarge || ReadAnswer() is not { } answer || (answer.Status < 200 && _headersEndStream))
        {
            FailStream(stream, Http2ErrorCode.ProtocolError, "malformed answer");
            return;
        }
        else if (answer.Status >= 200)
        {
            stream.Answer = answer;
            if (stream.Answered.Disarm())
            {
                _toFire.Add(stream.Answered);
            }
        }

        else
        {
            _abuse.Count(AbuseKind.UselessFrame); // 1xx: any number may come before the answer
        }

        if (_headersEndStream)
        {
            EndRemote(stream);
        }
    }

    private ConnectAnswer? ReadAnswer() =>
        _fields is [{ Name: ":status", Value.Length: 3 } status, .. var headers]
        && int.TryParse(status.Value, System.Globalization.CultureInfo.InvariantCulture, out var code)
        && code is >= 100 and <= 599 and not 101 // section 8.6: there is nothing to switch to
        && headers.TrueForAll(HeaderRules.IsLegal)
            ? new ConnectAnswer(code, headers)
            : null;
}
