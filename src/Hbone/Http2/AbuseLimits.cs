using System.Globalization;
using System.Runtime.CompilerServices;

namespace Hbone.Http2;

/// <summary>
/// Counts what one peer does too often, by <see cref="AbuseKind"/>. Each kind has a store that every event takes one out
/// of and time refills: short bursts are free, a flood ends the connection with ENHANCE_YOUR_CALM. Guarded by the
/// connection's gate.
/// </summary>
internal sealed class AbuseLimits(TimeProvider time)
{
    // The clock is asked only when a store is empty: a peer in good order costs a decrement.
    private long _refilled = time.GetTimestamp();
    private Stores _left = Full();

    /// <summary>Takes one out of a store.</summary>
    /// <exception cref="Http2ConnectionException">It is empty.</exception>
    public void Count(AbuseKind kind)
    {
        ref var left = ref _left[(int)kind];
        if (left > 0)
        {
            left--;
            return;
        }

        Refill();
        if (left == 0)
        {
            var (burst, perSecond) = LimitOf(kind);
            throw new Http2ConnectionException(
                Http2ErrorCode.EnhanceYourCalm,
                string.Create(
                    CultureInfo.InvariantCulture, $"too many: {NameOf(kind)}, more than {burst} and {perSecond} a second"));
        }

        left--;
    }

    /// <summary>Puts back what good behaviour has earned, up to a full store.</summary>
    public void Earn(AbuseKind kind, int count)
    {
        ref var left = ref _left[(int)kind];
        left = Math.Min(left + count, LimitOf(kind).Burst);
    }

    /// <summary>Events that are free at first, and how many more every second.</summary>
    internal static (int Burst, int PerSecond) LimitOf(AbuseKind kind) => kind switch
    {
        AbuseKind.AbandonedRequest => (400, 100), // twice the streams that may be open at once
        AbuseKind.Settings => (100, 10),
        AbuseKind.Ping => (500, 100), // peers that measure bandwidth send several a round trip
        AbuseKind.EmptyData => (100, 10),
        AbuseKind.WindowUpdate => (2_000, 500),
        AbuseKind.IgnoredFrame => (500, 100),
        AbuseKind.UselessFrame => (2_000, 500), // what was on its way when a stream ended
        _ => (400, 100),
    };

    private static string NameOf(AbuseKind kind) => kind switch
    {
        AbuseKind.AbandonedRequest => "requests reset before the answer, or refused",
        AbuseKind.Settings => "SETTINGS",
        AbuseKind.Ping => "PING",
        AbuseKind.EmptyData => "empty DATA",
        AbuseKind.WindowUpdate => "WINDOW_UPDATE",
        AbuseKind.IgnoredFrame => "PRIORITY and unknown frames",
        AbuseKind.UselessFrame => "frames of streams that are over",
        _ => "stream errors",
    };

    private void Refill()
    {
        // Not more often than the slowest store gains one, or asking often would round everything down to nothing.
        var seconds = time.GetElapsedTime(_refilled).TotalSeconds;
        if (seconds < 0.1)
        {
            return;
        }

        _refilled = time.GetTimestamp();
        for (var kind = AbuseKind.AbandonedRequest; kind <= AbuseKind.StreamError; kind++)
        {
            var (burst, perSecond) = LimitOf(kind);
            ref var left = ref _left[(int)kind];
            var more = (int)Math.Min(burst, seconds * perSecond);
            left = Math.Min(left + more, burst);
        }
    }

    private static Stores Full()
    {
        var stores = default(Stores);
        for (var kind = AbuseKind.AbandonedRequest; kind <= AbuseKind.StreamError; kind++)
        {
            stores[(int)kind] = LimitOf(kind).Burst;
        }

        return stores;
    }

    [InlineArray((int)AbuseKind.StreamError + 1)]
    private struct Stores
    {
        private int _first;
    }
}
