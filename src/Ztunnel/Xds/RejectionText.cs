using System.Text;
using Ztunnel.Xds.Decoding;

namespace Ztunnel.Xds;

/// <summary>The text of a NACK: <c>name: reason; name: reason</c>.</summary>
internal static class RejectionText
{
    /// <summary>
    /// Characters. A response of nothing but junk would give a text beyond the 4 MiB that istiod reads, and the stream
    /// would end for it.
    /// </summary>
    public const int MaxLength = 64 * 1024;

    private const int MaxNameLength = 1024;

    /// <summary>Null when nothing was rejected.</summary>
    public static string? Of(DecodedResponse response)
    {
        StringBuilder? text = null;
        var left = 0;
        foreach (var resource in response.Resources)
        {
            if (resource.Rejection is not { } reason)
            {
                continue;
            }

            text ??= new StringBuilder();
            if (text.Length >= MaxLength - (2 * MaxNameLength))
            {
                left++;
                continue;
            }

            text.Append(text.Length == 0 ? "" : "; ")
                .Append(Cut(resource.Name)).Append(": ").Append(Cut(reason));
        }

        return (left == 0 ? text : text!.Append("; and ").Append(left).Append(" more"))?.ToString();
    }

    private static ReadOnlySpan<char> Cut(string text) => text.AsSpan(0, Math.Min(text.Length, MaxNameLength));
}
