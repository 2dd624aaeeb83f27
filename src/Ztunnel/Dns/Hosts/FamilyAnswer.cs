using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Ztunnel.Dns.Wire;

namespace Ztunnel.Dns.Hosts;

/// <summary>What name servers say about a hostname and one family.</summary>
/// <param name="Addresses">As they came.</param>
/// <param name="TimeToLive">Of the answer; nothing without an address.</param>
/// <param name="Failure">Why there is no answer; null when there is one, empty or not.</param>
/// <param name="IsNobody">Whether the failure is that the name does not exist.</param>
internal sealed record FamilyAnswer(
    ImmutableArray<IPAddress> Addresses, TimeSpan TimeToLive, string? Failure = null, bool IsNobody = false)
{
    /// <summary>The name has no address of that family.</summary>
    public static FamilyAnswer None { get; } = new([], TimeSpan.Zero);

    /// <summary>Reads what came of a query.</summary>
    /// <param name="result">Lent.</param>
    /// <param name="type">A or AAAA.</param>
    /// <param name="most">Addresses to take at most.</param>
    public static FamilyAnswer Of(in UpstreamResult result, ushort type, int most)
    {
        if (result.Reply is null)
        {
            return new([], TimeSpan.Zero, result.Failure);
        }

        switch (result.Code)
        {
            case DnsCode.NoError:
                var all = AddressRecords.Read(result.Reply.Span, type, out var timeToLive);
                return new([.. all.Select(Unmapped).Where(CanBeDialled).Take(most)], timeToLive);
            case DnsCode.NameError:
                return new([], TimeSpan.Zero, "the name does not exist", IsNobody: true);
            default:
                return new([], TimeSpan.Zero, $"the name server says {result.Code}");
        }
    }

    /// <summary>Both families in one.</summary>
    public static HostAnswer Join(FamilyAnswer first, FamilyAnswer second, HostLimits limits)
    {
        ImmutableArray<IPAddress> addresses = [.. first.Addresses, .. second.Addresses];
        var failure = first.Failure ?? second.Failure;
        var isUnclear = first is { Failure: not null, IsNobody: false } || second is { Failure: not null, IsNobody: false };
        if (addresses.IsEmpty)
        {
            return new([], failure, isUnclear ? limits.FailureKept : limits.NobodyKept);
        }

        var lifetime = limits.LongestKept;
        foreach (var answer in (FamilyAnswer[])[first, second])
        {
            lifetime = answer.Addresses.IsEmpty || answer.TimeToLive > lifetime ? lifetime : answer.TimeToLive;
        }

        // The family that nobody could tell of may be the better one: it is asked for again soon.
        return new(addresses, null, isUnclear && lifetime > limits.NobodyKept ? limits.NobodyKept : lifetime);
    }

    private static IPAddress Unmapped(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    // An unspecified address would lead to the pod itself; none of the others is anybody's.
    private static bool CanBeDialled(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.GetAddressBytes()[0] is > 0 and < 224
        : !address.Equals(IPAddress.IPv6Any) && !address.IsIPv6Multicast;
}
