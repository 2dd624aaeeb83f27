using System.Net.Sockets;
using Redirection;

namespace Ztunnel.Tests.InPod;

/// <summary>The istio-cni of a test: listens, and says only what the test says.</summary>
internal sealed class ScriptedAgent : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zds-").FullName;
    private Socket? _listener;

    public ScriptedAgent()
    {
        Path = System.IO.Path.Combine(_folder, "ztunnel.sock");
        Restart();
    }

    public string Path { get; }

    /// <summary>Listens at the path once more.</summary>
    public void Restart()
    {
        Stop();
        _listener = SeqpacketSocket.Listen(Path, backlog: 16);
    }

    /// <summary>Nobody listens any more.</summary>
    public void Stop()
    {
        _listener?.Dispose();
        File.Delete(Path);
    }

    /// <summary>Waits for the next connection, its hello not read.</summary>
    public async Task<AgentConnection> AcceptAsync() =>
        new(SeqpacketSocket.FromAccepted(await _listener!.AcceptAsync(TestContext.Current.CancellationToken)));

    public void Dispose()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
    }
}
