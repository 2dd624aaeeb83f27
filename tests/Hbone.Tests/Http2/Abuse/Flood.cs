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

    /// <summary>What the connection's end says.</summary>
    public string Reason { get; init; } = "too many";

    /// <summary>Repetitions after which it has to be over, by the limit that ends it.</summary>
    public int Repetitions { get; init; } = Kind is { } kind ? AbuseLimits.LimitOf(kind).Burst : 1;
}
