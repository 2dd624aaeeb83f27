using System.Buffers;
using Hbone.Http2.Hpack;

namespace Hbone.Http2;

/// <summary>Which fields a message may carry, RFC 9113 section 8.2.</summary>
internal static class HeaderRules
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> ForbiddenInValues = SearchValues.Create("\0\r\n");

    /// <summary>Lower-case token as name, a legal value, not connection-specific.</summary>
    public static bool IsLegal(HeaderField field) =>
        field.Name.Length > 0
        && !field.Name.AsSpan().ContainsAnyExcept(NameCharacters)
        && IsLegalValue(field.Value)
        && field.Name switch
        {
            "connection" or "proxy-connection" or "keep-alive" or "transfer-encoding" or "upgrade" => false, // 8.2.2
            "te" => field.Value == "trailers",
            _ => true,
        };

    /// <summary>No control characters that end a line or a string, and no outer blanks.</summary>
    public static bool IsLegalValue(string value) =>
        !value.AsSpan().ContainsAny(ForbiddenInValues)
        && !(value.Length > 0 && (IsBlank(value[0]) || IsBlank(value[^1])));

    private static bool IsBlank(char c) => c is ' ' or '\t';
}
