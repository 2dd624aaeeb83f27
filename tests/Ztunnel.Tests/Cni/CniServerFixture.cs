using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging.Abstractions;
using Redirection;
using Ztunnel.Cni;
using Ztunnel.Tests.Identity;

namespace Ztunnel.Tests.Cni;

/// <summary>A server in a folder of its own, whose clock stands still.</summary>
public abstract class CniServerFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cni-").FullName;
    private CniServer? _server;

    private protected ManualTime Time { get; } = new();

    private protected string SocketPath => Path.Combine(_folder, "ztunnel.sock");

    private protected CniServer Server => _server!;

    private protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected virtual CniServerOptions Options => new() { Path = SocketPath, AcceptInterval = TimeSpan.Zero };

    public async ValueTask InitializeAsync() => _server = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected Task<CniServer> StartAsync() =>
        CniServer.StartAsync(Options, Time, NullLogger<CniServer>.Instance, Token);

    /// <summary>A pod in our own namespace, or in none.</summary>
    private protected static CniPod Pod(string uid, bool hasNetns = true) =>
        new(uid, $"{uid}-name", "default", "account", hasNetns ? Netns.OpenCurrent() : null);

    /// <summary>Permissions of a file, as <c>chmod</c> writes them.</summary>
    [SuppressMessage("Interoperability", "CA1416", Justification = "Network namespaces exist on Linux only.")]
    private protected static string ModeOf(string path) => Convert.ToString((int)File.GetUnixFileMode(path), 8);

    /// <summary>Lets time pass until something has come true.</summary>
    private protected async Task AdvanceUntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            Time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Delay(1, Token); // lets what became due run
        }
    }

    /// <summary>
    /// Waits for something that comes when an idle check is over, or it is time to accept. In the second that passes at
    /// most, nothing else is due.
    /// </summary>
    private protected async Task<T> WithinASecondAsync<T>(Task<T> task)
    {
        for (var i = 0; i < 100 && !task.IsCompleted; i++)
        {
            Time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(1, Token); // lets what became due run
        }

        return await task;
    }

    /// <summary>What a call to the server failed with.</summary>
    private protected static async Task<string> FailureOfAsync(Task call) =>
        (await Assert.ThrowsAsync<CniException>(() => call.WaitAsync(TimeSpan.FromSeconds(30), Token))).Message;
}
