using System.Text;

namespace Hbone.Http2.Hpack;

/// <summary>
/// One header field (RFC 7541 section 1.3). Name and value hold one octet in each character, Latin-1, so that
/// whatever a peer sent comes out again unchanged; nothing is checked against HTTP's own rules here. Text of our own goes
/// through <see cref="OfText"/>.
/// </summary>
/// <param name="Name">Field name as on the wire; pseudo-header names keep their colon.</param>
/// <param name="Value">Field value as on the wire.</param>
/// <param name="NeverIndexed">No hop may put the value into a table (RFC 7541 section 6.2.3).</param>
public readonly record struct HeaderField(string Name, string Value, bool NeverIndexed = false)
{
    /// <summary>What every entry costs on top of its octets (RFC 7541 section 4.1, RFC 9113 section 6.5.2).</summary>
    public const int Overhead = 32;

    /// <summary>Size as the dynamic table and SETTINGS_MAX_HEADER_LIST_SIZE count it, octets.</summary>
    public int Size => Name.Length + Value.Length + Overhead;

    /// <summary>A field whose value is text: its UTF-8 octets (RFC 9110 section 5.5 leaves those above 0x7f to us).</summary>
    /// <param name="name">Field name in lower case, ASCII.</param>
    /// <param name="text">Any text; half a surrogate pair becomes U+FFFD.</param>
    public static HeaderField OfText(string name, string text) =>
        new(name, Ascii.IsValid(text) ? text : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text)));
}
