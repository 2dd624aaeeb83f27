using System.Buffers.Binary;
using System.Globalization;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// The HBONE header <c>traceparent</c> (W3C Trace Context §3.2): ties the log lines of both ends of a connection
/// together. Never taken from user traffic.
/// </summary>
/// <param name="TraceId">Of the connection.</param>
/// <param name="ParentId">Of the sender.</param>
internal readonly record struct TraceParent(UInt128 TraceId, ulong ParentId)
{
    private const int Length = 55;

    /// <summary>The trace id in the 32 hexadecimal digits that logs show.</summary>
    public string TraceIdText => TraceId.ToString("x32", CultureInfo.InvariantCulture);

    public static TraceParent Create(Random random)
    {
        Span<byte> bytes = stackalloc byte[24];
        random.NextBytes(bytes);
        bytes[0] |= 1; // an id of zeros means no id
        bytes[16] |= 1;
        return new(
            BinaryPrimitives.ReadUInt128BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]));
    }

    /// <summary>Reads <c>vv-{32 hex}-{16 hex}-ff</c>, exactly; null for anything else.</summary>
    public static TraceParent? TryParse(string? value) =>
        value is { Length: Length }
        && value[2] == '-' && value[35] == '-' && value[52] == '-'
        && byte.TryParse(value.AsSpan(0, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)
        && UInt128.TryParse(
            value.AsSpan(3, 32), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var traceId)
        && ulong.TryParse(
            value.AsSpan(36, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var parentId)
        && byte.TryParse(value.AsSpan(53, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _)
            ? new(traceId, parentId)
            : null;

    /// <summary>Version 00, not sampled.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"00-{TraceIdText}-{ParentId:x16}-00");
}
