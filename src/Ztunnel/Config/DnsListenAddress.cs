using System.Globalization;
using System.Net;

namespace Ztunnel.Config;

/// <summary>Where the DNS proxy listens in a pod: on loopback of each family, or on one address.</summary>
/// <param name="Address">Null for loopback.</param>
/// <param name="Port">UDP and TCP port.</param>
internal sealed record DnsListenAddress(IPAddress? Address, ushort Port)
{
    private const string Localhost = "localhost:";

    /// <summary><c>localhost:15053</c>, where the redirection rules send captured DNS.</summary>
    public static DnsListenAddress Default { get; } = new(null, 15053);

    /// <summary>Reads <c>localhost:{port}</c> or <c>{ip}:{port}</c>, IPv6 in brackets.</summary>
    public static DnsListenAddress? TryParse(string text)
    {
        if (text.StartsWith(Localhost, StringComparison.Ordinal))
        {
            var digits = text.AsSpan(Localhost.Length);
            return ushort.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
                ? new DnsListenAddress(null, port)
                : null;
        }

        // The framework's parser also takes a bare address and gives it port 0.
        return IPEndPoint.TryParse(text, out var endPoint)
            && text.EndsWith(string.Create(CultureInfo.InvariantCulture, $":{endPoint.Port}"), StringComparison.Ordinal)
            && endPoint.ToString() == text
                ? new DnsListenAddress(endPoint.Address, (ushort)endPoint.Port)
                : null;
    }
}
