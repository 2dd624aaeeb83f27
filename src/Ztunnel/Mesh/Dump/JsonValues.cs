using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Ztunnel.Mesh.Dump;

/// <summary>The small values that several kinds of objects in the dump share.</summary>
internal static class JsonValues
{
    /// <summary>Left out when empty.</summary>
    public static void WriteText(this Utf8JsonWriter writer, ReadOnlySpan<byte> key, string text)
    {
        if (text.Length > 0)
        {
            writer.WriteString(key, text);
        }
    }

    public static void WriteTexts(this Utf8JsonWriter writer, ReadOnlySpan<byte> key, IEnumerable<string> texts)
    {
        writer.WriteStartArray(key);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    /// <summary>Service ports to target ports; ordered as text, like every key.</summary>
    public static void WritePorts(this Utf8JsonWriter writer, ImmutableSortedDictionary<ushort, ushort> ports)
    {
        writer.WriteStartObject();
        foreach (var (port, target) in ports
            .Select(ports => (Key: ports.Key.ToString(CultureInfo.InvariantCulture), ports.Value))
            .OrderBy(ports => ports.Key, StringComparer.Ordinal))
        {
            writer.WriteNumber(port, target);
        }

        writer.WriteEndObject();
    }

    /// <summary>Left out when there is none.</summary>
    public static void WriteGateway(this Utf8JsonWriter writer, ReadOnlySpan<byte> key, GatewayAddress? gateway)
    {
        if (gateway is not null)
        {
            writer.WriteStartObject(key);
            writer.WriteString("destination"u8, gateway.Destination);
            writer.WriteNumber("hboneMtlsPort"u8, gateway.HboneMtlsPort);
            writer.WriteEndObject();
        }
    }

    public static string ToText(this WorkloadStatus status) => status switch
    {
        WorkloadStatus.Healthy => "Healthy",
        _ => "Unhealthy",
    };
}
