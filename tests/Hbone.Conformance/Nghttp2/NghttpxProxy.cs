using System.Net.Sockets;
using Hbone.Conformance.Peers;

namespace Hbone.Conformance.Nghttp2;

/// <summary>
/// nghttpx, the proxy of the nghttp2 project. It listens on a socket in a folder of its own, as it cannot choose a free
/// port by itself.
/// </summary>
internal sealed class NghttpxProxy : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("hbone-nghttpx-").FullName;
    private PeerProcess? _process;
    private Task<(int ExitCode, string Output)>? _ended;

    private NghttpxProxy()
    {
    }

    /// <summary>Where it listens.</summary>
    public UnixDomainSocketEndPoint Address => new(SocketPath);

    public string SocketPath => Path.Combine(_folder, "frontend");

    /// <summary>Starts it and waits until it listens.</summary>
    /// <param name="frontend">What to add to <c>--frontend</c>, for instance <c>;no-tls</c>.</param>
    /// <param name="options">Its options; key and certificate of the frontend last, if it speaks TLS.</param>
    /// <param name="cancellationToken">Gives up; the process ends.</param>
    public static async Task<NghttpxProxy> StartAsync(
        string frontend, string[] options, CancellationToken cancellationToken)
    {
        var proxy = new NghttpxProxy();
        try
        {
            proxy._process = PeerProcess.Start(
                PeerProgram.Nghttpx,
                [
                    "--conf=/dev/null", "--single-process", "--no-ocsp", "--log-level=WARN",
                    "--tls-min-proto-version=TLSv1.3", $"--frontend=unix:{proxy.SocketPath}{frontend}", .. options,
                ]);
            await proxy.WaitAsync(cancellationToken);
            return proxy;
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops it, which breaks its connections.</summary>
    /// <returns>All it has written, for instance the frames that <c>--frontend-frame-debug</c> asks for.</returns>
    public async Task<string> StopAsync()
    {
        _process!.Kill();
        return (await _ended!).Output;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync();
            _process = null;
        }

        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Deadline);
        _ended = _process!.ReadToEndAsync(CancellationToken.None);
        while (true)
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(Address, limit.Token);
                return;
            }
            catch (SocketException) when (!_ended.IsCompleted)
            {
                await Task.Delay(5, limit.Token);
            }
            catch (SocketException)
            {
                throw new InvalidOperationException($"nghttpx ended: {(await _ended).Output}");
            }
        }
    }
}
