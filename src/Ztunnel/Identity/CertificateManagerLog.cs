using Hbone.Tls;
using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>
/// Log events of the certificate cache, ids 4000-4099. A failure is a warning when it begins or changes its reason, and
/// debug when it goes on.
/// </summary>
internal static partial class CertificateManagerLog
{
    [LoggerMessage(4001, LogLevel.Debug, "certificate issued\t{Identity} {NotAfter} {Renewal}")]
    public static partial void CertificateIssued(
        this ILogger<CertificateManager> logger, SpiffeId identity, DateTimeOffset notAfter, DateTimeOffset renewal);

    [LoggerMessage(EventId = 4002, Message =
        "no certificate: connections of this identity are refused until there is one\t{Identity} {Error} {Retry}")]
    public static partial void CertificateFailed(
        this ILogger<CertificateManager> logger, LogLevel level, SpiffeId identity, string error, DateTimeOffset retry);

    [LoggerMessage(EventId = 4003, Message =
        "certificate not renewed: the present one is used until it expires\t{Identity} {Error} {NotAfter} {Retry}")]
    public static partial void RenewalFailed(
        this ILogger<CertificateManager> logger,
        LogLevel level, SpiffeId identity, string error, DateTimeOffset notAfter, DateTimeOffset retry);

    [LoggerMessage(4004, LogLevel.Information, "certificate issued after failures\t{Identity} {NotAfter}")]
    public static partial void CertificateIssuedAgain(
        this ILogger<CertificateManager> logger, SpiffeId identity, DateTimeOffset notAfter);
}
