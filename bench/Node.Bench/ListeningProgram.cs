using Ztunnel.Demo;

namespace Node.Bench;

/// <summary>Starts programs that are of use once they listen.</summary>
internal static class ListeningProgram
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <exception cref="CommandException">It ended or the time is over.</exception>
    public static async Task<ChildProcess> StartListenerAsync(
        this NetworkNamespace pod, ProcessSpec spec, int port, CancellationToken cancellationToken)
    {
        var child = await pod.StartAsync(spec);
        try
        {
            await child.WaitForListenerAsync(port, Limit, cancellationToken);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }
}
