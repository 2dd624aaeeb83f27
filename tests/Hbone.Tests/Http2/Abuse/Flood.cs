using Hbone.Http2;

namespace Hbone.Tests.Http2.Abuse;

/// <summary>Something that a peer does again and again, costing it little (RFC 9113 section 10.5).</summary>
/// <param name="Name">What it is.</param>
/// <param name="Kind">Which limit ends it; null for a limit that is not one of counts.</param>
/// <param name="Frames">The octets of one repetition, by its number.</param>
internal sealed record Flood(string Name, AbuseKind? Kind, Func<int, byte[]> Frames)
{
    /// <summary>What has to come before it.</summary>
    public byte[] Opening { get; init; } = [];

    /// <summary>Whether requests are answered; otherwise they wait for ever.</summary>
    public bool Answers { get; init; } = true;

    /// <summary>What the connection's end says, as an operator reads it.</summary>
    public string Reason { get; init; } = Kind is { } kind ? ReasonOf(kind) : "";

    /// <summary>Repetitions after which it has to be over, by the limit that ends it.</summary>
    public int Repetitions { get; init; } = Kind is { } kind ? AbuseLimits.LimitOf(kind).Burst : 1;

    private static string ReasonOf(AbuseKind kind) => kind switch
    {
        AbuseKind.AbandonedRequest =>
            "too many: requests reset before the answer, or refused, more than 400 and 100 a second",
        AbuseKind.Settings => "too many: SETTINGS, more than 100 and 10 a second",
        AbuseKind.Ping => "too many: PING, more than 500 and 100 a second",
        AbuseKind.EmptyData => "too many: empty DATA, more than 100 and 10 a second",
        AbuseKind.WindowUpdate => "too many: WINDOW_UPDATE, more than 2000 and 500 a second",
        AbuseKind.IgnoredFrame => "too many: PRIORITY and unknown frames, more than 500 and 100 a second",
        AbuseKind.UselessFrame => "too many: frames of streams that are over, more than 2000 and 500 a second",
        _ => "too many: stream errors, more than 400 and 100 a second",
    };
}
