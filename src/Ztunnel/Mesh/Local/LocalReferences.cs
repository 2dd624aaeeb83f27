using System.Collections.Immutable;

namespace Ztunnel.Mesh.Local;

/// <summary>The small values that several kinds of objects in the mesh file share.</summary>
internal static class LocalReferences
{
    /// <summary><c>namespace/hostname</c>.</summary>
    public static NamespacedHostname ToNamespacedHostname(this LocalValue value, string text) =>
        text.IndexOf('/') is > -1 and var slash
            ? new(text[..slash], text[(slash + 1)..])
            : throw value.Error($"\"{LocalText.Printable(text)}\" is not namespace/hostname");

    /// <summary><c>network/ip</c>; the network may be empty.</summary>
    public static NetworkAddress NetworkAddress(LocalValue value) =>
        TryNetworkAddress(value.Text()) ?? throw value.Error($"{value.Quoted()} is not network/ip");

    /// <summary><c>{destination, hboneMtlsPort}</c>; what is not an address is a hostname.</summary>
    public static GatewayAddress Gateway(LocalValue value)
    {
        var fields = value.Object();
        var destination = fields.Required("destination");
        var port = fields.Required("hboneMtlsPort").UInt16();
        fields.RejectOtherKeys();
        return TryNetworkAddress(destination.Text()) is { } address
            ? new(address, null, port)
            : new(null, destination.ToNamespacedHostname(destination.Text()), port);
    }

    /// <summary>Service ports to target ports.</summary>
    public static ImmutableSortedDictionary<ushort, ushort> Ports(LocalValue value) =>
        value.Entries().ToImmutableSortedDictionary(entry => entry.Key.UInt16Key(), entry => entry.Value.UInt16());

    public static WorkloadStatus Status(LocalValue value) =>
        value.Choice(("Healthy", WorkloadStatus.Healthy), ("Unhealthy", WorkloadStatus.Unhealthy));

    private static NetworkAddress? TryNetworkAddress(string text)
    {
        if (text.IndexOf('/') is not (> -1 and var slash)
            || !IPAddressText.TryParse(text.AsSpan(slash + 1), out var address))
        {
            return null;
        }

        return new(text[..slash], address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
    }
}
