using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>TCP ports of a pod at which somebody listens, once for each address.</summary>
internal static class Listeners
{
    public static async Task<int[]> OfAsync(Pod pod, CancellationToken cancellationToken)
    {
        var tables = await pod.Namespace.RunAsync(
            new ProcessSpec("sh", "-c", "tail -q -n +2 /proc/self/net/tcp /proc/self/net/tcp6"), cancellationToken);
        return
        [
            .. tables.Succeeded().Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(SocketTable.Parse)
                .Where(socket => socket.IsListening)
                .Select(socket => socket.LocalPort),
        ];
    }
}
