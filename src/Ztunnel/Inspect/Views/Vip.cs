namespace Ztunnel.Inspect.Views;

/// <summary>Addresses as <c>network/address</c>; the network is often empty.</summary>
internal static class Vip
{
    /// <summary>What follows the network; empty without a slash.</summary>
    public static string AddressOf(string vip) =>
        vip.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? vip[(slash + 1)..] : "";
}
