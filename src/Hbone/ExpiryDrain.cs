using Hbone.Http2;

namespace Hbone;

/// <summary>
/// Ends a connection whose certificate is long over, in the two phases of every stop: streams may finish, and after the
/// deadline the rest is cut. The peer comes back with a handshake that proves who it is now.
/// </summary>
internal static class ExpiryDrain
{
    /// <summary>Longest sleep, so that a clock that jumps is noticed.</summary>
    private static readonly TimeSpan MaxSleep = TimeSpan.FromHours(1);

    /// <summary>Runs until the connection is over; never fails.</summary>
    public static async Task RunAsync(Http2Connection connection, DateTimeOffset due, TimeSpan deadline, TimeProvider time)
    {
        while (due - time.GetUtcNow() is var left && left > TimeSpan.Zero)
        {
            if (await EndsWithinAsync(connection, left < MaxSleep ? left : MaxSleep, time))
            {
                return;
            }
        }

        connection.Drain();
        if (!await EndsWithinAsync(connection, deadline, time))
        {
            await connection.DisposeAsync();
        }
    }

    private static async Task<bool> EndsWithinAsync(Http2Connection connection, TimeSpan limit, TimeProvider time)
    {
        await connection.Completion.WaitAsync(limit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return connection.Completion.IsCompleted;
    }
}
