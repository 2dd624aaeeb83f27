using System.Buffers.Text;
using System.Globalization;
using System.Numerics;

namespace Ztunnel.Xds;

/// <summary>
/// A resource's version, an opaque text. istiod's are 64-bit numbers in hexadecimal; such a one is kept as the number,
/// because there is one for each workload.
/// </summary>
internal readonly record struct ResourceVersion
{
    private const int MaxDigits = 16;

    private readonly string? _text;
    private readonly ulong _number;

    private ResourceVersion(string text) => _text = text;

    private ResourceVersion(ulong number) => _number = number;

    /// <summary>No version, which no resource can be compared by.</summary>
    public static ResourceVersion None { get; } = new("");

    public bool IsNone => _text is "";

    /// <summary>Characters of the text.</summary>
    public int Length => _text?.Length ?? (67 - BitOperations.LeadingZeroCount(_number)) / 4;

    /// <exception cref="FormatException">It is not UTF-8.</exception>
    public static ResourceVersion Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return None;
        }

        // Only what comes out again as it went in: no leading zero, no capitals.
        return utf8.Length <= MaxDigits
            && utf8[0] != (byte)'0'
            && !utf8.ContainsAnyInRange((byte)'A', (byte)'F')
            && Utf8Parser.TryParse(utf8, out ulong number, out var used, 'x')
            && used == utf8.Length
                ? new(number)
                : new(StrictUtf8.ToText(utf8));
    }

    public override string ToString() => _text ?? _number.ToString("x", CultureInfo.InvariantCulture);
}
