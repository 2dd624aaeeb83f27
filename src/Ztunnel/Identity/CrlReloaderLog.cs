using Microsoft.Extensions.Logging;

namespace Ztunnel.Identity;

/// <summary>Log events of the revocation lists, ids 4200-4299.</summary>
internal static partial class CrlReloaderLog
{
    [LoggerMessage(4201, LogLevel.Information, "certificate revocation lists in force\t{Path} {Lists}")]
    public static partial void Loaded(this ILogger<CrlReloader> logger, string path, int lists);

    [LoggerMessage(4202, LogLevel.Warning,
        "no certificate revocation list yet: no peer is refused as revoked until the file is there\t{Path}")]
    public static partial void Missing(this ILogger<CrlReloader> logger, string path);

    [LoggerMessage(4203, LogLevel.Warning,
        "failed to initialize crl manager: no peer is refused as revoked until the file is repaired\t{Path} {Error}")]
    public static partial void NoneGood(this ILogger<CrlReloader> logger, string path, string error);

    [LoggerMessage(4204, LogLevel.Warning,
        "certificate revocation lists not reloaded: the ones read before stay in force\t{Path} {Error} {Lists}")]
    public static partial void Kept(this ILogger<CrlReloader> logger, string path, string error, int lists);

    [LoggerMessage(4205, LogLevel.Warning,
        "the directory of the certificate revocation lists has no events, it is looked at\t{Path} {Error} {Interval}")]
    public static partial void CannotWatch(
        this ILogger<CrlReloader> logger, string path, string error, TimeSpan interval);
}
