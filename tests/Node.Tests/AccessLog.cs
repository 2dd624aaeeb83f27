using Ztunnel.Demo;

namespace Node.Tests;

/// <summary>Waits for access log lines of a proxy.</summary>
internal static class AccessLog
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The first access line from a log position on that fits; fails the test with what came instead.
    /// </summary>
    public static Task<AccessLine> WaitForAccessAsync(
        this ProxyProcess proxy, long since, Func<AccessLine, bool> fits, CancellationToken cancellationToken) =>
        proxy.Log.WaitForAccessAsync(since, fits, cancellationToken);

    /// <inheritdoc cref="WaitForAccessAsync(ProxyProcess, long, Func{AccessLine, bool}, CancellationToken)"/>
    public static async Task<AccessLine> WaitForAccessAsync(
        this OutputLines log, long since, Func<AccessLine, bool> fits, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Limit);
        try
        {
            var text = await log.FirstAsync(
                line => AccessLine.Parse(line) is { } access && fits(access), since, deadline.Token);
            Assert.True(text is not null, $"the proxy ended: {log}");
            return AccessLine.Parse(text)!;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"no such access line. There was: {string.Join('\n', log.Since(since))}");
        }
    }
}
