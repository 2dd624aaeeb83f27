using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Hbone.Http2.Hpack;

namespace Node.Tests.Recordings;

/// <summary>
/// One connection of <see cref="HboneRecorder"/>. Its loop writes the properties; readers come after its end.
/// </summary>
internal sealed class RecorderConnection(Socket socket, SslStreamCertificateContext certificate) : IAsyncDisposable
{
    // The index of ":status: 200" in the static table (RFC 7541 appendix A).
    private const byte Status200 = 0x80 | 8;
    private const int EndStream = 1;
    private const int EndHeaders = 4;

    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
    private static readonly byte[] FlushPing = "all read"u8.ToArray();

    private readonly SslStream _tls = new(new NetworkStream(socket, ownsSocket: true));
    private readonly SemaphoreSlim _writing = new(1); // the loop and FinishAsync both write
    private readonly HpackDecoder _decoder = new(4096, 65_536);
    private readonly TaskCompletionSource _established = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What the handshake agreed on; <see langword="null"/> if the peer refused.</summary>
    public RecordedTls? Tls { get; private set; }

    /// <summary>The URI names of the peer's certificate.</summary>
    public string[] PeerUris { get; private set; } = [];

    /// <summary>What the peer sent after its preface.</summary>
    public List<RecordedFrame> Frames { get; } = [];

    /// <summary>How the connection ended if not orderly.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Serves the connection to its end.</summary>
    public async Task ServeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await SecureAsync(cancellationToken);
            _established.TrySetResult();
            await RecordAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or OperationCanceledException)
        {
            Failure = e;
            _established.TrySetResult();
        }
    }

    /// <summary>Asks the peer for a sign that all it sent has been read; the loop closes the connection then.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await _established.Task.WaitAsync(cancellationToken);
        if (Failure is null)
        {
            await SendAsync("PING", 0, 0, FlushPing, cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _tls.DisposeAsync();
        _writing.Dispose();
    }

    private async Task SecureAsync(CancellationToken cancellationToken)
    {
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = certificate,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            ApplicationProtocols = [SslApplicationProtocol.Http2],

            // Whose certificate it is, is compared with the recording.
            RemoteCertificateValidationCallback = (_, peer, _, _) => peer is not null,
        };
        await _tls.AuthenticateAsServerAsync(options, cancellationToken);
        var preface = new byte[Preface.Length];
        await _tls.ReadExactlyAsync(preface, cancellationToken);
        Assert.Equal(Preface, preface);
        Tls = RecordedTls.Of(_tls);
        PeerUris = RecordedTls.UrisOf(_tls.RemoteCertificate);
        await SendAsync("SETTINGS", 0, 0, [], cancellationToken);
    }

    private async Task RecordAsync(CancellationToken cancellationToken)
    {
        while (await RecordedFrame.ReadAsync(_tls, _decoder, cancellationToken) is { } frame)
        {
            if (frame is { Type: "PING", HasFirstFlag: true })
            {
                await CloseAsync(cancellationToken);
                return;
            }

            Frames.Add(frame);
            await AnswerAsync(frame, cancellationToken);
        }
    }

    private async Task AnswerAsync(RecordedFrame frame, CancellationToken cancellationToken)
    {
        switch (frame.Type)
        {
            case "SETTINGS" when !frame.HasFirstFlag:
                await SendAsync("SETTINGS", 1, 0, [], cancellationToken);
                break;
            case "HEADERS":
                await SendAsync("HEADERS", EndHeaders, frame.Stream, [Status200], cancellationToken);
                break;
            case "DATA":
                var payload = Convert.FromHexString(frame.Payload);
                await SendAsync("DATA", frame.Flags & EndStream, frame.Stream, payload, cancellationToken);
                break;
        }
    }

    /// <summary>Says goodbye and waits for the peer's end. What the peer still says is about the end.</summary>
    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        await WriteAloneAsync(_tls.ShutdownAsync, cancellationToken);
        socket.Shutdown(SocketShutdown.Send);
        while (await RecordedFrame.ReadAsync(_tls, _decoder, cancellationToken) is not null)
        {
            // GOAWAY, if the peer sends one.
        }
    }

    private Task SendAsync(
        string type, int flags, int stream, byte[] payload, CancellationToken cancellationToken) =>
        WriteAloneAsync(
            () => _tls.WriteAsync(RecordedFrame.Write(type, flags, stream, payload), cancellationToken).AsTask(),
            cancellationToken);

    private async Task WriteAloneAsync(Func<Task> write, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await write();
        }
        finally
        {
            _writing.Release();
        }
    }
}
