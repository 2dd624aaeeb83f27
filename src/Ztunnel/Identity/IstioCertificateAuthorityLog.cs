using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>Log events of the client of istiod's CA, ids 4100-4199.</summary>
internal static partial class IstioCertificateAuthorityLog
{
    [LoggerMessage(4101, LogLevel.Warning,
        "the CA's root bundle holds certificates that do not decode: they are not trusted\t{Identity} {Skipped}")]
    public static partial void RootsSkipped(
        this ILogger<IstioCertificateAuthority> logger, SpiffeId identity, int skipped);
}
