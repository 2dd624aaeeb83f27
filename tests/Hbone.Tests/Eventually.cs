using System.Runtime.CompilerServices;

namespace Hbone.Tests;

/// <summary>Waits for what another thread is about to make true.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    public static async Task TrueAsync(
        Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string? what = null)
    {
        var end = TimeProvider.System.GetTimestamp() + (long)(Deadline.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetTimestamp() < end, $"not within {Deadline}: {what}");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
