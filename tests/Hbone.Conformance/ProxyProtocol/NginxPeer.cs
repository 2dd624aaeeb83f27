using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Hbone.Conformance.ProxyProtocol;

/// <summary>
/// An nginx that wants a PROXY protocol header on each connection and answers any request with what the header told it.
/// It listens on a socket in a folder of its own, which goes away with it.
/// </summary>
internal sealed class NginxPeer : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(20);

    private readonly DirectoryInfo _folder;
    private readonly Process _process;

    private NginxPeer(DirectoryInfo folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    private UnixDomainSocketEndPoint Address => new(Path.Combine(_folder.FullName, "socket"));

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<NginxPeer> StartAsync(CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("hbone-nginx-");
        var configuration = Path.Combine(folder.FullName, "nginx.conf");
        await File.WriteAllTextAsync(configuration, ConfigurationFor(folder.FullName), cancellationToken);
        string[] arguments = ["-p", folder.FullName, "-c", configuration, "-e", Path.Combine(folder.FullName, "error")];
        try
        {
            var peer = new NginxPeer(folder, Process.Start("nginx", arguments));
            await peer.WaitUntilListeningAsync(cancellationToken);
            return peer;
        }
        catch (Win32Exception missing)
        {
            folder.Delete(recursive: true);
            throw new InvalidOperationException("cannot start 'nginx': the conformance tests need it on the PATH", missing);
        }
    }

    /// <summary>Sends a header and a request on one connection.</summary>
    /// <returns>Source address and port, destination address and port; empty when the header was refused.</returns>
    public async Task<string> AskAsync(byte[] header, CancellationToken cancellationToken)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(Address, cancellationToken);
        byte[] request = [.. header, .. "GET / HTTP/1.0\r\n\r\n"u8];
        await socket.SendAsync(request, cancellationToken);
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var answer = await reader.ReadToEndAsync(cancellationToken).WaitAsync(Deadline, cancellationToken);
        return answer.Split("\r\n\r\n") is [var head, var body] && head.Contains(" 200 ", StringComparison.Ordinal)
            ? body
            : "";
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task WaitUntilListeningAsync(CancellationToken cancellationToken)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < Deadline && !_process.HasExited;)
        {
            try
            {
                using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(Address, cancellationToken);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(BetweenAttempts, cancellationToken);
            }
        }

        await DisposeAsync();
        throw new InvalidOperationException("nginx does not listen");
    }

    private static string ConfigurationFor(string folder) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""
        daemon off;
        master_process off;
        pid {{folder}}/pid;
        events {}
        http {
          access_log off;
          client_body_temp_path {{folder}}/body;
          proxy_temp_path {{folder}}/proxy;
          fastcgi_temp_path {{folder}}/fastcgi;
          uwsgi_temp_path {{folder}}/uwsgi;
          scgi_temp_path {{folder}}/scgi;
          server {
            listen unix:{{folder}}/socket proxy_protocol;
            location / {
              return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";
            }
          }
        }

        """);
}
