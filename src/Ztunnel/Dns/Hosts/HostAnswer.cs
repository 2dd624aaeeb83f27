using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Ztunnel.Dns.Hosts;

/// <summary>What is known of a hostname.</summary>
/// <param name="Addresses">Of both families, as they came; a connection can be made to each.</param>
/// <param name="Failure">
/// Why there is none: that the name does not exist, or that nobody could say. Null when it exists and has no address.
/// </param>
/// <param name="Lifetime">How long it may be kept.</param>
internal sealed record HostAnswer(ImmutableArray<IPAddress> Addresses, string? Failure, TimeSpan Lifetime)
{
    /// <summary>No answer, and none to keep.</summary>
    public static HostAnswer Failed(string failure) => new([], failure, TimeSpan.Zero);

    /// <summary>Any address of that family, else any; null when there is none.</summary>
    public IPAddress? Pick(AddressFamily preferred, Random random)
    {
        IPAddress? picked = null;
        var seen = 0;
        foreach (var address in Addresses)
        {
            var isBetter = picked is not null && picked.AddressFamily != preferred && address.AddressFamily == preferred;
            if (isBetter || picked is null)
            {
                (picked, seen) = (address, 1);
            }
            else if (address.AddressFamily == picked.AddressFamily && random.Next(++seen) == 0)
            {
                picked = address;
            }
        }

        return picked;
    }
}
