using System.Text;

namespace Ztunnel.Demo;

/// <summary>Records what passes an interface of a namespace, and searches it.</summary>
internal sealed class PacketCapture : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly ChildProcess _process;
    private readonly string _file;

    private PacketCapture(ChildProcess process, string file) => (_process, _file) = (process, file);

    /// <summary>Bytes recorded so far, headers included.</summary>
    public long Length => new FileInfo(_file).Length;

    /// <summary>Returns when packets are being recorded.</summary>
    /// <param name="network">Where.</param>
    /// <param name="device">An interface there.</param>
    /// <param name="file">Name of the recording; it stays until its folder is deleted.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    public static async Task<PacketCapture> StartAsync(
        NetworkNamespace network, string device, string file, CancellationToken cancellationToken)
    {
        // tcpdump would change to its own user, who may not write here. dumpcap says "File" when it has begun.
        var isTcpdump = Tools.PacketCapture.First(tool => Tools.Find(tool) is not null) == "tcpdump";
        var (ready, options) = isTcpdump ? ("listening on", "-n -U -s 0 -Z root") : ("File:", "-q");
        var process = await network.StartAsync(new ProcessSpec(
            [isTcpdump ? "tcpdump" : "dumpcap", .. options.Split(' '), "-i", device, "-w", file]));
        var capture = new PacketCapture(process, file);
        await process.WaitUntilAsync(
            () => process.Error.Since(0).Any(line => line.Contains(ready, StringComparison.Ordinal)),
            "captures packets",
            Limit,
            cancellationToken);
        return capture;
    }

    /// <summary>Waits until more than this has been recorded.</summary>
    /// <exception cref="CommandException">Nothing passed within ten seconds.</exception>
    public Task WaitUntilLongerAsync(long length, CancellationToken cancellationToken) =>
        _process.WaitUntilAsync(() => Length > length, "captured a packet", Limit, cancellationToken);

    /// <summary>Waits until the recording holds a text, which must have been sent already.</summary>
    /// <exception cref="CommandException">It does not appear within ten seconds.</exception>
    public Task WaitUntilContainsAsync(string text, CancellationToken cancellationToken) =>
        _process.WaitUntilAsync(() => Contains(text), $"captured '{text}'", Limit, cancellationToken);

    /// <summary>Whether any packet recorded so far holds a text, as it is.</summary>
    public bool Contains(string text)
    {
        // The writer has the file open.
        using var recording = new FileStream(_file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        recording.CopyTo(copy);
        return copy.GetBuffer().AsSpan(0, (int)copy.Length).IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.StopAsync();
        await _process.DisposeAsync();
    }
}
