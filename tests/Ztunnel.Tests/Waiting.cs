using System.Runtime.CompilerServices;

namespace Ztunnel.Tests;

/// <summary>Waits for what another thread is about to make true.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task UntilAsync(
        Func<bool> condition,
        CancellationToken cancellationToken,
        [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < Limit, $"not within {Limit}: {what}");
            await Task.Delay(10, cancellationToken);
        }
    }
}
