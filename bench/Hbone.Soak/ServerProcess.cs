using System.Diagnostics;
using System.Net;

namespace Hbone.Soak;

/// <summary>This program once more, as the server: what it holds is not mixed up with what the peers hold.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, IPEndPoint address)
    {
        _process = process;
        Address = address;
    }

    public IPEndPoint Address { get; }

    public static async Task<ServerProcess> StartAsync(TestCertificates.PemFiles files)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["serve", files.Certificate, files.Key, files.Authority])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException("the server does not start");
        var address = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server ended at once");
        return new ServerProcess(process, IPEndPoint.Parse(address));
    }

    /// <summary>What the server holds.</summary>
    /// <param name="when">A word of <see cref="ServeCommand"/>.</param>
    public async Task<ServerReading> ReadAsync(string when)
    {
        await _process.StandardInput.WriteLineAsync(when);
        await _process.StandardInput.FlushAsync();
        var line = await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the server has ended");
        return ServerReading.Parse(line);
    }

    /// <summary>Ends its input, on which it stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
