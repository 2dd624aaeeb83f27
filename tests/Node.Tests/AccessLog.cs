using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>Waits for access log lines of a proxy.</summary>
internal static class AccessLog
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The first access line from a log position on that fits; fails the test with what came instead.
    /// </summary>
    public static async Task<AccessLine> WaitForAccessAsync(
        this DedicatedProxy proxy, long since, Func<AccessLine, bool> fits, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Limit);
        try
        {
            var text = await proxy.Log.FirstAsync(
                line => AccessLine.Parse(line) is { } access && fits(access), since, deadline.Token);
            Assert.True(text is not null, $"the proxy of {proxy.Pod.Name} ended: {proxy.Error}");
            return AccessLine.Parse(text)!;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"no such access line of {proxy.Pod.Name}. There was: {string.Join('\n', proxy.Log.Since(since))}");
        }
    }
}
