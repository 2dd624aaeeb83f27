using System.Net;
using System.Text;

namespace Ztunnel.Mesh.Routing;

/// <summary>
/// The HBONE header <c>forwarded</c> (RFC 7239 in a narrow form): the application's address and the service it dialled.
/// </summary>
internal static class ForwardedHeader
{
    /// <summary><c>for="ip:port"</c>, then <c>;host=name</c> if a service is known by a name that a header may hold.</summary>
    public static string Format(IPEndPoint client, string? host) =>
        host is null || !HeaderText.IsPlain(host)
            ? $"for=\"{client}\""
            : $"for=\"{client}\";host={host}".TrimEnd(' ');

    /// <summary>
    /// The <c>host</c> of the first such header, with or without quotes; null when there is none or the value is not
    /// ASCII. <c>for</c> is not believed.
    /// </summary>
    public static string? ParseHost(string? value)
    {
        if (value is null || !Ascii.IsValid(value))
        {
            return null;
        }

        foreach (var range in value.AsSpan().Split(';'))
        {
            var part = value.AsSpan(range).Trim();
            if (part.StartsWith("host=", StringComparison.Ordinal))
            {
                var host = part["host=".Length..];
                host = host is ['"', .. var unquoted, '"'] ? unquoted : host;
                return host.IsEmpty ? null : host.ToString();
            }
        }

        return null;
    }
}
